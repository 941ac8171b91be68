"""Writes of QBRs: the run that assembles what is due, and what a person does with one."""

from qbr.actions.assemble import Assembled, assemble_qbrs
from qbr.actions.reviews import QBRRefused, cancel_qbr, hold_qbr, move_qbr, prepare_qbr, renew_package

__all__ = [
    "Assembled",
    "QBRRefused",
    "assemble_qbrs",
    "cancel_qbr",
    "hold_qbr",
    "move_qbr",
    "prepare_qbr",
    "renew_package",
]
