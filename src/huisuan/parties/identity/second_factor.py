"""The second factor: codes of 30 seconds (TOTP, RFC 6238) and recovery codes, each good once."""

from __future__ import annotations

import base64
import hmac
import secrets
from datetime import datetime

import pyotp
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils.crypto import salted_hmac

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound, Unavailable
from huisuan.parties.identity.audit_trail import Actor, record_event
from huisuan.parties.models import Person, PersonAction, RecoveryCode, SecondFactor

_STEP_SECONDS = 30  # seconds a code stands for
_DRIFT_STEPS = 1  # clocks differ: the step before and the one after are taken too
_RECOVERY_CODES = 10
_RECOVERY_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # nothing that looks like something else
_RECOVERY_CODE_LENGTH = 12
_OTP_ISSUER = "Huisuan"


def new_totp_secret() -> str:
    """A TOTP secret in Base32, not yet anybody's."""
    return pyotp.random_base32()


def provisioning_uri(person: Person, secret: str) -> str:
    """The otpauth: address that a telephone reads as a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=person.username, issuer_name=_OTP_ISSUER)


def has_factor(person: Person) -> bool:
    """Whether a second factor is enrolled."""
    return SecondFactor.objects.filter(person=person).exists()


@transaction.atomic
def enrol_factor(person: Person, secret: str, code: str, actor: Actor, now: datetime) -> list[str]:
    """Make the secret the person's second factor, proved by one code; returns the recovery codes, shown this once.

    Raises:
        Refused: one is enrolled, or the code does not fit.
    """
    Person.objects.select_for_update().get(pk=person.pk)
    if has_factor(person):
        raise Conflict(
            "已经登记过两步验证：要换手机，请先用恢复码登录后重设，或请平台管理员清除",
            code="second_factor.already_enrolled",
        )
    step = _matching_step(secret, code, now)
    if step is None:
        raise InvalidRequest("验证码不对：请核对手机上的六位数字与手机的时间", code="second_factor.code_wrong")
    SecondFactor.objects.create(person=person, sealed_secret=_encrypt(secret), enrolled_at=now, last_step=step)
    record_event(person, PersonAction.FACTOR_SET, actor, now)
    return _replace_recovery_codes(person)


def verify_code(person: Person, code: str, actor: Actor, now: datetime) -> bool:
    """Whether a code, or a recovery code, is right and was not used before; it is used up by this.

    Raises:
        Refused: the platform's key was changed, and no code can be checked any more.
    """
    code = code.strip().replace(" ", "").replace("-", "").lower()
    factor = SecondFactor.objects.filter(person=person).first()
    if factor is None:
        return False
    step = _matching_step(_decrypt(factor.sealed_secret), code, now)
    if step is not None:
        return SecondFactor.objects.filter(pk=factor.pk, last_step__lt=step).update(last_step=step) == 1
    unused = RecoveryCode.objects.filter(person=person, digest=_recovery_digest(person, code), used_at__isnull=True)
    if unused.update(used_at=now) != 1:
        return False
    left = RecoveryCode.objects.filter(person=person, used_at__isnull=True).count()
    record_event(person, PersonAction.RECOVERY_USED, actor, now, f"还剩 {left} 个")
    return True


@transaction.atomic
def renew_recovery_codes(person: Person, actor: Actor, now: datetime) -> list[str]:
    """New recovery codes, shown this once; the ones before are void."""
    Person.objects.select_for_update().get(pk=person.pk)
    record_event(person, PersonAction.FACTOR_CODES, actor, now)
    return _replace_recovery_codes(person)


@transaction.atomic
def reset_factor(person: Person, actor: Actor, now: datetime) -> None:
    """Take the second factor away, as for a lost telephone; open sessions end.

    Raises:
        Refused: none is enrolled.
    """
    gone, _ = SecondFactor.objects.filter(person=person).delete()
    if not gone:
        raise NotFound(f"{person.username} 没有登记两步验证", code="second_factor.not_enrolled")
    RecoveryCode.objects.filter(person=person).delete()
    Person.objects.filter(pk=person.pk).update(session_epoch=F("session_epoch") + 1)
    record_event(person, PersonAction.FACTOR_RESET, actor, now)


def demo_code(person: Person, now: datetime) -> str:
    """The code of this moment, for an invented person of the demonstration.

    Raises:
        Refused: a real person, or one without a second factor.
    """
    if not person.demo:
        raise NotAllowed(
            f"{person.username} 不是演示账号：验证码只在本人的手机上", code="second_factor.not_a_demo_account"
        )
    factor = SecondFactor.objects.filter(person=person).first()
    if factor is None:
        raise NotFound(f"{person.username} 没有登记两步验证：登录不需要验证码", code="second_factor.not_enrolled")
    step = max(int(now.timestamp()) // _STEP_SECONDS, factor.last_step + 1)  # the one of now may be used up
    return pyotp.TOTP(_decrypt(factor.sealed_secret)).generate_otp(step)


def _replace_recovery_codes(person: Person) -> list[str]:
    RecoveryCode.objects.filter(person=person).delete()
    codes = [
        "".join(secrets.choice(_RECOVERY_ALPHABET) for _ in range(_RECOVERY_CODE_LENGTH))
        for _ in range(_RECOVERY_CODES)
    ]
    RecoveryCode.objects.bulk_create(
        RecoveryCode(person=person, digest=_recovery_digest(person, code)) for code in codes
    )
    return [f"{code[:4]}-{code[4:8]}-{code[8:]}" for code in codes]


def _matching_step(secret: str, code: str, now: datetime) -> int | None:
    code, here = code.strip(), int(now.timestamp()) // _STEP_SECONDS
    fitting = [
        step
        for step in range(here - _DRIFT_STEPS, here + _DRIFT_STEPS + 1)
        if hmac.compare_digest(pyotp.TOTP(secret).generate_otp(step).encode(), code.encode())
    ]
    return max(fitting, default=None)


def _recovery_digest(person: Person, code: str) -> str:
    return salted_hmac("huisuan.parties.recovery", f"{person.pk}:{code}", algorithm="sha256").hexdigest()


def _encrypt(secret: str) -> str:
    return _cipher().encrypt(secret.encode()).decode()


def _decrypt(sealed: str) -> str:
    try:
        return _cipher().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise Unavailable(
            "平台的 secret-key 换过，两步验证无法核对：请平台管理员清除后重新登记",
            code="second_factor.secret_key_changed",
        ) from None


def _cipher() -> Fernet:
    key = HKDF(SHA256(), 32, salt=None, info=b"huisuan second factor").derive(settings.SECRET_KEY.encode())
    return Fernet(base64.urlsafe_b64encode(key))
