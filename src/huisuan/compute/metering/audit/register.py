"""The register of all centres and months as it is published: entry after entry, each naming the one before. Pure.

It is a file of its own, from another day and another hand than the export that is checked against it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from huisuan.base.text_length import shortened
from huisuan.compute.metering.audit.folder import AuditFinding, Unusable, is_signed
from huisuan.protocol.agent import Hex64
from huisuan.protocol.batch_chain import register_digest, statement_sha256

REGISTER_KIND = "huisuan-register-1"
MonthText = Annotated[str, Field(pattern=r"^2\d{3}-(0[1-9]|1[0-2])$")]


class ListedAgent(BaseModel):
    """An agent of a centre's: its key, and from when to when it was believed, in UTC seconds."""

    name: str
    key: Hex64
    valid_from: int
    valid_to: int | None


class ListedMonth(BaseModel):
    """A month of a centre's: sealed (with what was sealed), open (use that no seal holds yet), or without any use."""

    month: MonthText
    state: Literal["sealed", "open", "empty"]
    root: Hex64 | None = None
    statement_sha256: Hex64 | None = None


class ListedCentre(BaseModel):
    """A centre when the entry was made: its agents, its ledger's end, its months."""

    code: str
    name: str
    agents: list[ListedAgent]
    batches: int = Field(ge=0)
    chain: Hex64
    months: list[ListedMonth]


class EntryStatement(BaseModel):
    """What the platform signs every month."""

    kind: Literal["huisuan-register-1"]
    month: MonthText
    previous: Hex64 | None
    made_at: int
    centres: list[ListedCentre]


class Countersignature(BaseModel):
    """Somebody else's signature under an entry: a centre's agent, or an auditor."""

    by: str = Field(max_length=120)
    key: Hex64
    signature: str


class ListedEntry(BaseModel):
    """A month of the register."""

    statement: str
    signature: str
    countersignatures: list[Countersignature] = Field(default_factory=list)


class RegisterFile(BaseModel):
    """The register as a file."""

    kind: Literal["huisuan-register-1"]
    platform_key: Hex64
    entries: list[ListedEntry] = Field(min_length=1)


@dataclass(frozen=True)
class Register:
    """A register that was read: its entries with what each says, the newest last."""

    where: str
    platform_key: str
    entries: Sequence[tuple[ListedEntry, EntryStatement]]

    @property
    def newest(self) -> EntryStatement:
        """What the last entry says."""
        return self.entries[-1][1]

    def centre(self, code: str) -> ListedCentre | None:
        """A centre as the newest entry lists it."""
        return next((centre for centre in self.newest.centres if centre.code == code), None)

    @property
    def signers(self) -> set[str]:
        """Keys whose good signature the newest entry bears."""
        entry, _ = self.entries[-1]
        digest = register_digest(entry.statement)
        return {
            signature.key
            for signature in entry.countersignatures
            if is_signed(signature.key, signature.signature, digest)
        }


def load_register(path: Path) -> Register:
    """Read a register's file.

    Raises:
        Unusable: it is none.
    """
    try:
        file = RegisterFile.model_validate_json(path.read_text(encoding="utf-8"))
        statement = [EntryStatement.model_validate_json(entry.statement) for entry in file.entries]
    except (OSError, ValueError) as error:
        raise Unusable(
            f"{path} 不是登记册（huisuan meter register）：{shortened(' '.join(str(error).split()), 200)}",
            code="register.unreadable",
        ) from None
    return Register(path.name, file.platform_key, list(zip(file.entries, statement, strict=True)))


def check_register(register: Register, platform_key: str) -> list[AuditFinding]:
    """What is wrong with a register in itself: signatures, order, what it took back of what it said before."""
    found: list[AuditFinding] = []
    before: tuple[ListedEntry, EntryStatement] | None = None
    for entry, statement in register.entries:
        where, digest = entry_name(statement.month), register_digest(entry.statement)
        if not is_signed(platform_key, entry.signature, digest):
            found.append(AuditFinding(where, "平台的签名与登记册不符"))
        for signature in entry.countersignatures:
            if not is_signed(signature.key, signature.signature, digest):
                found.append(AuditFinding(where, f"{signature.by} 的会签与登记册不符"))
        if statement.previous != (statement_sha256(before[0].statement) if before else None):
            found.append(AuditFinding(where, "没有接上前一期：中间少了一期，或前面的改过"))
        if before is not None:
            found += _taken_back(where, before[1], statement)
        before = entry, statement
    return found


def _taken_back(where: str, before: EntryStatement, statement: EntryStatement) -> list[AuditFinding]:
    """What an entry dropped or changed of the one before: a register only grows."""
    found: list[AuditFinding] = []
    now = {centre.code: centre for centre in statement.centres}
    if statement.month <= before.month:
        found.append(AuditFinding(where, f"不晚于前一期 {before.month}"))
    for centre in before.centres:
        later = now.get(centre.code)
        if later is None:
            found.append(AuditFinding(where, f"前一期有中心 {centre.code}，这一期没有"))
            continue
        if later.batches < centre.batches:
            found.append(
                AuditFinding(where, f"中心 {centre.code} 的账本从第 {centre.batches} 批退到第 {later.batches} 批")
            )
        keys = {agent.name: agent.key for agent in later.agents}
        for agent in centre.agents:
            if keys.get(agent.name) != agent.key:
                found.append(AuditFinding(where, f"中心 {centre.code} 的站点代理 {agent.name} 的公钥换了或不见了"))
        months = {month.month: month for month in later.months}
        for month in centre.months:
            if month.state == "sealed" and months.get(month.month) != month:
                found.append(AuditFinding(where, f"中心 {centre.code} 的 {month.month} 封账换了或不见了"))
    return found


def check_same(registers: Sequence[Register]) -> list[AuditFinding]:
    """Whether registers of several days say the same of the months that they share."""
    found: list[AuditFinding] = []
    known: dict[str, tuple[str, str]] = {}
    for register in registers:
        for entry, statement in register.entries:
            held, where = known.setdefault(statement.month, (entry.statement, register.where))
            if held != entry.statement:
                found.append(
                    AuditFinding(entry_name(statement.month), f"{where} 与 {register.where} 里的不同：登记册被改写")
                )
    return found


def entry_name(month: str) -> str:
    """What an entry is called in a finding."""
    return f"登记册 {month}"
