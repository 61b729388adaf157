"""What is stored of organisations and of the people who sign in, with its invariants as database constraints."""

from huisuan.parties.models.attested import Attestation, AttestedBy
from huisuan.parties.models.credentials import IdentityLink, RecoveryCode, Scope, SecondFactor, Token
from huisuan.parties.models.dated import PartyStatus, StateChange, StateField, Succession, SuccessionKind
from huisuan.parties.models.organisations import USCC_PATTERN, Party, PartyKind, Region, Relation
from huisuan.parties.models.people import MEMBER_SCOPE, SECOND_FACTOR_ROLES, MemberRole, Person, Role
from huisuan.parties.models.projects import DEFAULT_PROJECT, MemberInvitation, Project
from huisuan.parties.models.records import CredentialKind, KnownPlace, PartyChange, PersonAction, PersonEvent, SignInTry
from huisuan.parties.models.saved_filters import SavedFilter

__all__ = [
    "DEFAULT_PROJECT", "MEMBER_SCOPE", "SECOND_FACTOR_ROLES", "USCC_PATTERN", "Attestation", "AttestedBy",
    "CredentialKind", "IdentityLink", "KnownPlace", "MemberInvitation", "MemberRole", "Party", "PartyChange",
    "PartyKind", "PartyStatus", "Person", "PersonAction", "PersonEvent", "Project", "RecoveryCode", "Region",
    "Relation", "Role", "SavedFilter", "Scope", "SecondFactor", "SignInTry", "StateChange", "StateField", "Succession",
    "SuccessionKind", "Token",
]  # fmt: skip
