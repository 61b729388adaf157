"""What changes drafts and evidence: each one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from huisuan.base.errors import Conflict, InvalidRequest, NotFound
from huisuan.base.text_length import check_length
from huisuan.law.model import Rule
from huisuan.law.policy import Policy
from huisuan.parties.models import Party, Person
from huisuan.programmes.applications.evidence_files import check_evidence
from huisuan.programmes.applications.evidence_store import evidence_store
from huisuan.programmes.claim_objects.codes import LONGEST_CODE, MOST_OBJECTS
from huisuan.programmes.models import Draft, Evidence

_LONGEST_TEXT = 2_000
_LONGEST_LABEL = 80
_LONGEST_OBJECT = 4 * LONGEST_CODE  # as typed
_MOST_FILES = 100
MOST_DRAFTS = 500


class DraftChanged(Conflict):
    """Someone else saved the draft meanwhile."""


@dataclass(frozen=True)
class DraftTexts:
    """What was typed into a form: a text for each fact, and what the draft is called."""

    facts: Mapping[str, str]
    label: str = ""

    def of(self, rule: Rule) -> dict[str, str]:
        """The texts of the rule's facts that are not empty; what is no fact of it is left out.

        Raises:
            InvalidRequest: a text beyond all measure, or one with a NUL, which no database keeps.
        """
        kept = {spec.name: self.facts.get(spec.name, "").strip() for spec in rule.facts}
        for spec in rule.facts:
            if len(kept[spec.name]) > _LONGEST_TEXT or "\x00" in kept[spec.name]:
                raise InvalidRequest(
                    f"“{spec.zh}”超过 {_LONGEST_TEXT} 字，或带有不可见字符：请改短，细节放进佐证材料",
                    code="draft.text_malformed",
                )
        return {name: text for name, text in kept.items() if text}


@transaction.atomic
def begin_draft(party: Party, person: Person, policy: Policy, rule: Rule, typed: DraftTexts, now: datetime) -> Draft:
    """A new draft of a party under a rule.

    Raises:
        Conflict: too long a text, or more drafts than anyone fills in.
    """
    Party.objects.select_for_update().get(pk=party.pk)
    if Draft.objects.filter(party=party, discarded_at__isnull=True).count() >= MOST_DRAFTS:
        raise Conflict(f"已有 {MOST_DRAFTS} 份草稿：请先舍弃不用的", code="draft.too_many")
    return Draft.objects.create(
        party=party, owner=person, policy=policy.name, digest=policy.digest, rule=rule.key, label=_label(typed),
        facts=typed.of(rule), created_at=now, updated_at=now, updated_by=person,
    )  # fmt: skip


@transaction.atomic
def save_draft(
    draft: Draft, version: int, person: Person, policy: Policy, rule: Rule, typed: DraftTexts, now: datetime
) -> Draft:
    """The draft with what was typed; `version` is the one that its author had before their eyes.

    Raises:
        DraftChanged: someone saved in between.
        Conflict: too long a text, or the draft was discarded.
    """
    held = Draft.objects.select_for_update().get(pk=draft.pk)
    if held.discarded_at is not None:
        raise Conflict("这份草稿已舍弃，不能再改", code="draft.discarded")
    if held.version != version:
        raise DraftChanged(
            "这份草稿在您填写时已被同单位的人改过：下面保留着您填的内容；请核对后再次保存",
            code="draft.changed_meanwhile",
        )
    held.facts, held.label, held.digest = typed.of(rule), _label(typed), policy.digest
    held.version, held.updated_at, held.updated_by = version + 1, now, person
    held.save()
    return held


@transaction.atomic
def name_objects(draft: Draft, named: Sequence[Mapping[str, str]], person: Person, now: datetime) -> Draft:
    """Write what a draft claims for: kind and code of each, as typed; read when it is handed in.

    Raises:
        InvalidRequest: more than anybody names, or codes beyond all measure.
        Conflict: the draft was discarded.
    """
    kept = [{"kind": str(each["kind"])[:20], "code": str(each["code"]).replace("\x00", "").strip()} for each in named]
    if len(kept) > MOST_OBJECTS or any(len(each["code"]) > _LONGEST_OBJECT for each in kept):
        raise InvalidRequest(
            f"申报对象至多 {MOST_OBJECTS} 个，编号至多 {LONGEST_CODE} 字", code="claim_object.too_many"
        )
    held = Draft.objects.select_for_update(no_key=True).get(pk=draft.pk)
    if held.discarded_at is not None:
        raise Conflict("这份草稿已舍弃，不能再改", code="draft.discarded")
    if held.named != kept:
        held.named, held.version, held.updated_at, held.updated_by = kept, held.version + 1, now, person
        held.save(update_fields=["named", "version", "updated_at", "updated_by"])
    return held


@transaction.atomic
def discard_draft(draft: Draft, now: datetime) -> None:
    """Put a draft away: it leaves the lists, and stays on record with its evidence."""
    Draft.objects.filter(pk=draft.pk, discarded_at__isnull=True).update(discarded_at=now)


@transaction.atomic
def attach_evidence(
    draft: Draft, rule: Rule, fact: str, filename: str, content: bytes, person: Person, now: datetime
) -> Evidence:
    """Keep a file as evidence of a fact; the same content for the same fact is kept once.

    Raises:
        NotFound: no fact of the rule.
        InvalidRequest: a file that may not be kept.
        Conflict: too many files.
    """
    if fact not in {spec.name for spec in rule.facts}:
        raise NotFound(f"第 {rule.sentence} 句没有事实 {fact}", code="draft.fact_unknown")
    accepted = check_evidence(filename, content)
    Draft.objects.select_for_update().get(pk=draft.pk)
    standing = Evidence.objects.filter(draft=draft, withdrawn_at__isnull=True)
    if standing.count() >= _MOST_FILES:
        raise Conflict(
            f"“{accepted.filename}”没有收：一份草稿至多 {_MOST_FILES} 个文件，请先撤回不用的",
            code="draft.files_too_many",
        )
    sha256 = evidence_store().store(content)
    same = standing.filter(fact=fact, sha256=sha256).first()
    if same:
        return same
    return Evidence.objects.create(
        draft=draft, fact=fact, filename=accepted.filename, media_type=accepted.media_type, size=len(content),
        sha256=sha256, uploaded_by=person, uploaded_at=now,
    )  # fmt: skip


@transaction.atomic
def withdraw_evidence(draft: Draft, number: int, person: Person, now: datetime) -> None:
    """Take a piece of evidence back: it stays on record and proves nothing any more.

    Raises:
        NotFound: none of that number stands in the draft.
    """
    standing = Evidence.objects.filter(draft=draft, pk=number, withdrawn_at__isnull=True)
    if not standing.update(withdrawn_at=now, withdrawn_by=person):
        raise NotFound("这份材料不在草稿里，或已经撤回", code="draft.file_unknown")


def _label(typed: DraftTexts) -> str:
    label = "".join(sign for sign in typed.label if sign.isprintable()).strip()
    return check_length(label, _LONGEST_LABEL, "草稿名称")
