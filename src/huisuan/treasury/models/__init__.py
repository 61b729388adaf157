"""What the treasury keeps: lines and accounts, entries and postings, commitments, orders and what the bank said."""

from huisuan.treasury.models.bank import BankFile, BankFileLine, BankOutcome, BankReturn, BankReturnLine
from huisuan.treasury.models.city_payments import CityPayment, CityPaymentCut
from huisuan.treasury.models.commitments import Commitment, Instalment, PaymentOrder
from huisuan.treasury.models.ledger import Account, AccountKind, AppropriationLine, Entry, EntryKind, Posting
from huisuan.treasury.models.recoveries import Debt, Repayment

__all__ = [
    "Account",
    "AccountKind",
    "AppropriationLine",
    "BankFile",
    "BankFileLine",
    "BankOutcome",
    "BankReturn",
    "BankReturnLine",
    "CityPayment",
    "CityPaymentCut",
    "Commitment",
    "Debt",
    "Entry",
    "EntryKind",
    "Instalment",
    "PaymentOrder",
    "Posting",
    "Repayment",
]
