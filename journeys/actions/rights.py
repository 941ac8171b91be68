"""Who may do what with stages, gates, hand-offs and plays: one right per verb, asked at the page and in the API."""

from typing import Final

from core.permissions import Permission

MOVE_DEAL: Final = Permission.WORK_OPPORTUNITIES
# Sales and customer success both move accounts, each in its own stages.
MOVE_ACCOUNT: Final = Permission.WORK_OPPORTUNITIES
GIVE_EVIDENCE: Final = Permission.WORK_OPPORTUNITIES
ANSWER_QUESTION: Final = Permission.WORK_OPPORTUNITIES
ASK_WAIVER: Final = Permission.WORK_OPPORTUNITIES
# Whoever asked may take it back; approving and refusing need `WAIVE` besides.
ANSWER_WAIVER: Final = Permission.WORK_OPPORTUNITIES
WAIVE: Final = Permission.APPROVE_WAIVERS
ANSWER_HANDOFF: Final = Permission.WORK_TASKS
GIVE_ACCOUNT: Final = Permission.EDIT_ACCOUNTS
START_PLAY: Final = Permission.WORK_TASKS
