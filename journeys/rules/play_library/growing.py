"""The starter playbook of growth: only once value is proven."""

from typing import Final

from journeys.rules.play_library.parts import Document, due, fact, step

EXPANSION: Final[Document] = {
    "goal": "What works for one team of the customer begins to work for another, because the first one says so.",
    "category": "Expansion",
    "audience": fact("accounts.status", "eq", "customer"),
    "starts": [{"on": "manual"}, {"on": "alert"}, {"on": "api"}],
    "requires": fact("journeys.value_proven", "eq", True),
    "outcome": {
        "name": "An expansion was won",
        "rule": fact("journeys.days_since_expansion", "lte", 30),
        "within_days": 180,
    },
    "steps": [
        step(
            "proof",
            "Write the proof down",
            due(3),
            goal="One result that a stranger believes.",
            script="Goal, number before, number after, a sentence of the person who has it. Ask them if you may "
            "show it inside their company.",
            template="[Team] wanted [goal]. Before: [number]. After [weeks]: [number]. “[sentence]” [name]",
            done_when="the proof is on one page and its owner agrees to its use",
            panel=("accounts.usage_change", "health.effective_score"),
        ),
        step(
            "who_else",
            "Find who else has the need",
            due(7, "step:proof"),
            goal="A second team with a name and a problem, not a number of seats.",
            script="Ask the sponsor: Who else loses time with this? Who would notice if it went away? Who is measured "
            "by it?",
            done_when="a team, a person and their problem are on record",
        ),
        step(
            "introduction",
            "Be introduced by the first team",
            due(10, "step:who_else"),
            goal="Their colleague speaks first.",
            script="Bring the two together for half an hour. Let the first team show it. You only answer questions.",
            done_when="the talk was held, and the second team has said what would make it worth it",
        ),
        step(
            "opportunity",
            "Open the opportunity with the seller",
            due(2, "step:introduction"),
            goal="The deal has an owner and passes the same gates as any other.",
            script="Hand over the need, the people and the proof. Agree who speaks to whom from here.",
            owner="sales_owner",
            done_when="an expansion opportunity exists and names the need and the decision maker",
            panel=("accounts.arr",),
        ),
        step(
            "executive_review",
            "Take it into the executive review",
            due(14, "step:opportunity"),
            goal="The sponsor sees both teams in one picture.",
            script="Show the first result, the second team's goal, and what they need to decide.",
            done_when="the sponsor has seen it and named the next step",
            only_if=fact("accounts.segment", "eq", "enterprise"),
        ),
    ],
}
