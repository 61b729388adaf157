"""The centre's countersignature of a sealed month: given only after the agent counted its own batches the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from huisuan.base.text_length import shortened
from huisuan.compute.site_agent.state import AgentState
from huisuan.protocol.agent import SealAsked, SealWord
from huisuan.protocol.batch_chain import count_sealed, objection, seal_digest, sealed_part_of, statement_sha256
from huisuan.protocol.signatures import is_signed_by


class SealSigner:
    """Checks the seals that the platform asks to have signed; `countersignatures` go with the next request."""

    def __init__(self, state: AgentState, key: Ed25519PrivateKey, log: Callable[[str], None]) -> None:
        self.state, self.key, self._log = state, key, log
        self.countersignatures: list[SealWord] = []

    def answer(self, seals: Sequence[SealAsked]) -> None:
        """Sign or refuse each seal; the platform asks again until it has the answer."""
        self.countersignatures = [self._countersign(seal) for seal in seals]

    def _countersign(self, seal: SealAsked) -> SealWord:
        why = self._objection(seal)
        self._log(f"不签 {seal.month} 的封账：{why}" if why else f"已核对并签署 {seal.month} 的封账")
        return SealWord(
            month=seal.month,
            statement_sha256=statement_sha256(seal.statement),
            signature=None if why else self.key.sign(seal_digest(seal.statement)).hex(),
            refused=shortened(why, 500),
        )

    def _objection(self, seal: SealAsked) -> str:
        """Why it must not be signed; "" where it may."""
        if not is_signed_by(self.state.get("platform_key"), seal.signature, seal_digest(seal.statement)):
            return "平台在封账书上的签名与加入时所知的公钥不符"
        name = self.state.name
        part = sealed_part_of(seal.statement, name)
        if part is None:
            return objection(seal.statement, name, None, None)
        sent = self.state.batch_queue.sent_up_to(part.batches)
        counted = None if sent is None else count_sealed(seal.statement, name, sent)
        return objection(seal.statement, name, self.state.batch_queue.digest_of(part.batches), counted)
