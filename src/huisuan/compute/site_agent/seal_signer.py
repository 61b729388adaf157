"""The centre's word on a sealed month: signed only after the agent counted its own batches and found the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from huisuan.compute.site_agent.state import Memory
from huisuan.protocol.agent import SealAsked, SealWord
from huisuan.protocol.batch_chain import count_own, objection, own_part, seal_digest, statement_sha256
from huisuan.protocol.signatures import is_signed_by


class Sealing:
    """What the agent answers when the platform asks for its signature. `words` go with the next request."""

    def __init__(self, memory: Memory, key: Ed25519PrivateKey, say: Callable[[str], None]) -> None:
        self.memory, self.key, self._say = memory, key, say
        self.words: list[SealWord] = []

    def asked(self, seals: Sequence[SealAsked]) -> None:
        """Look at each; the platform asks again until it has the word."""
        self.words = [self._word(each) for each in seals]

    def _word(self, asked: SealAsked) -> SealWord:
        why = self._objection(asked)
        self._say(f"不签 {asked.month} 的封账：{why}" if why else f"已核对并签署 {asked.month} 的封账")
        return SealWord(
            month=asked.month,
            statement_sha256=statement_sha256(asked.statement),
            signature=None if why else self.key.sign(seal_digest(asked.statement)).hex(),
            refused=why[:500],
        )

    def _objection(self, asked: SealAsked) -> str:
        """Why it must not be signed; "" where it may."""
        if not is_signed_by(self.memory.get("platform_key"), asked.signature, seal_digest(asked.statement)):
            return "平台在封账书上的签名与加入时所知的公钥不符"
        name = self.memory.name
        part = own_part(asked.statement, name)
        if part is None:
            return objection(asked.statement, name, None, None)
        sent = self.memory.sent_batches(part.batches)
        counted = None if sent is None else count_own(asked.statement, name, sent)
        return objection(asked.statement, name, self.memory.digest_of(part.batches), counted)
