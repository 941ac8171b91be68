"""Starter playbooks of the beginning: onboarding with plan, checkpoints and map of needs, and the first 100 days."""

from typing import Final

from journeys.rules.play_library.parts import Document, due, fact, step

_PROVEN: Final = fact("journeys.value_proven", "eq", True)

PROJECT_PLAN: Final = """Project plan for [customer]

Goal in the customer's words: [what they want to be able to do, and by when]
First value: [the one result that shows it works]
People: [their lead] / [our lead], sponsor: [name]

| What | Who | By | Done when |
| --- | --- | --- | --- |
| Access and sign-in | | | everybody on the list has signed in |
| Data connected | | | last week's numbers agree with theirs |
| First team works with it | | | three people used it on three days |
| First value | | | [result] is on record |
| Review with the sponsor | | | next goals are agreed |

Risks: [what could hold this up, and who watches it]
"""
NEEDS_MAP: Final = """Functionality-to-need map for [customer]

| Need, in their words | Who has it | What of the product serves it | Set up by | How they see that it works |
| --- | --- | --- | --- | --- |
| | | | | |

Needs that nothing serves today: [list them; say what they can do meanwhile]
"""

ONBOARDING: Final[Document] = {
    "goal": "The customer reaches the first result that they bought this for, by a plan that they helped to write.",
    "category": "Onboarding",
    "audience": fact("accounts.status", "eq", "customer"),
    "anchor": "start",
    "starts": [{"on": "manual"}, {"on": "stage", "stage": "onboarding", "cool_down_days": 365}],
    "outcome": {"name": "First value reached", "rule": _PROVEN, "within_days": 90},
    "review_after_runs": 20,
    "steps": [
        step(
            "read_handover",
            "Read the hand-off and note what is unclear",
            due(1),
            goal="Nobody asks the customer again for what they told sales.",
            script="Read the expectations on the account. Write down what they bought it for, who decides, what was "
            "promised and what you do not understand. Ask the seller before you ask the customer.",
            done_when="open questions are answered by the seller, or stand on the agenda of the kick-off",
            panel=("accounts.arr", "journeys.stage"),
        ),
        step(
            "kick_off",
            "Hold the kick-off",
            due(5),
            goal="One goal in the customer's words, one first result, one person on each side who leads.",
            script="Open with what you know. Then ask: What should be different in 90 days? How will you see it? Who "
            "must be glad about it? What has made such projects fail here before?",
            template="Agenda: 1. What you want to reach · 2. The first result and its day · 3. Who does what · "
            "4. What could hold us up · 5. When we speak again",
            done_when="goal, first result, both leads and the sponsor are on record",
        ),
        step(
            "project_plan",
            "Agree the project plan",
            due(3, "step:kick_off"),
            goal="Everybody sees what is done by whom and by when, up to the first result.",
            script="Fill the plan in during the call, not after it. Every line has one name and one day. Ask their "
            "lead to send it to their own people.",
            template=PROJECT_PLAN,
            done_when="their lead has confirmed the plan in writing",
        ),
        step(
            "needs_map",
            "Map their needs to what the product does",
            due(7, "step:kick_off"),
            goal="Each need has a place in the product, and what is missing is known before it disappoints.",
            script="Go through the goals one by one: Who has this need? What do they do today? Show the part that "
            "serves it. Say openly where nothing does.",
            template=NEEDS_MAP,
            done_when="every need of the kick-off has a line, and gaps are told to product",
        ),
        step(
            "checkpoint_setup",
            "Checkpoint: is it set up and right?",
            due(21),
            goal="Trouble shows while there is time.",
            script="Let them show you, do not show them. Ask: Are these your numbers? What was harder than expected? "
            "How satisfied are you so far, from 1 to 5, and what would make it one more?",
            done_when="their answer from 1 to 5 and what follows from it are on record",
            panel=("accounts.tickets_30d",),
        ),
        step(
            "checkpoint_use",
            "Checkpoint: do they work with it?",
            due(45),
            goal="It is part of somebody's week.",
            script="Look at usage first. Ask the people who use it, not only the lead: When did you last open it? For "
            "what? What do you still do elsewhere?",
            done_when="three people use it weekly, or the plan to get there is agreed",
            panel=("accounts.usage_change", "accounts.days_since_contact"),
        ),
        step(
            "prove_value",
            "Show the first result to the sponsor",
            due(60),
            goal="The person who pays has seen what it brought.",
            script="Start with their goal, then the number before and after. Let their lead tell it. End with: What "
            "should be the next result?",
            template="You wanted: [goal]. Before: [number]. Now: [number]. Next: [goal].",
            done_when="the first value is recorded with the customer's own words or a number as evidence",
        ),
    ],
}

FIRST_100_DAYS: Final[Document] = {
    "goal": "In a hundred days from the close the customer feels that the decision was right, and can say why.",
    "category": "Onboarding",
    "anchor": "close",
    "starts": [{"on": "manual"}, {"on": "api"}],
    "outcome": {"name": "First value reached", "rule": _PROVEN, "within_days": 100},
    "review_after_runs": 20,
    "steps": [
        step(
            "welcome",
            "Welcome them in person",
            due(1, "anchor"),
            goal="The silence after the signature never comes.",
            script="Call on the day after the close. Thank them, say who leads from here and what happens this week. "
            "Ask how they would like to be kept in the picture.",
            template="Welcome. From today I am your contact. This week: [two things]. Best way to reach you?",
            done_when="the customer knows their contact and the day of the kick-off",
        ),
        step(
            "kick_off_100",
            "Kick off: goal, first result, people",
            due(7, "anchor"),
            goal="One goal in their words and the first result with a day.",
            script="Ask what should be different on day 100, and who must notice. Write it down in their words and "
            "read it back.",
            done_when="goal for day 100, first result and its day are on record",
        ),
        step(
            "quick_win",
            "Bring a first small win",
            due(21, "anchor"),
            goal="Somebody on their side has a good story to tell early.",
            script="Choose the smallest thing that one of them will use tomorrow. Set it up together.",
            done_when="one person on their side says that it already helps, and with what",
        ),
        step(
            "day_30",
            "Day 30: listen",
            due(30, "anchor"),
            goal="Doubts are heard while they are small.",
            script="Ask three questions and write the answers down: What works? What annoys you? Would you buy it "
            "again today? Do not defend anything in this call.",
            done_when="answers and what we do about them are on record and sent to them",
            panel=("accounts.tickets_30d", "accounts.usage_change"),
        ),
        step(
            "day_60",
            "Day 60: from set up to habit",
            due(60, "anchor"),
            goal="The work of a week runs through it.",
            script="Look at who uses it and who does not. Name the two people who would gain most and train them.",
            done_when="the agreed teams work with it every week, or a dated plan says how they will",
            panel=("accounts.usage_change",),
        ),
        step(
            "rescue",
            "Put a rescue plan in place",
            due(3, "step:day_60"),
            goal="What stands in the way is named, and somebody senior on both sides knows.",
            script="Say what you see and ask if they see it too. Agree on three things by day 90, each with a name.",
            owner="cs_manager",
            done_when="three measures with names and days are agreed with the sponsor",
            only_if={"any": [fact("health.effective_band", "eq", "red"), fact("accounts.usage_change", "lte", -0.25)]},
            panel=("health.effective_score", "accounts.usage_change"),
        ),
        step(
            "day_90",
            "Day 90: prepare the story",
            due(90, "anchor"),
            goal="Numbers and voices for the review are at hand.",
            script="Collect: the goal, before and after, one sentence of a user, what is still open.",
            done_when="the page for the review is written and their lead agrees with the numbers",
        ),
        step(
            "day_100",
            "Day 100: review with the sponsor",
            due(100, "anchor"),
            goal="The sponsor says what it brought, and the next goal is set.",
            script="Let them go first: What has changed? Then the numbers. Close with the goal of the next quarter.",
            template="Goal · Before and after · What users say · What is open · Next goal and its day",
            done_when="the sponsor's judgement and the next goal are on record",
        ),
    ],
}
