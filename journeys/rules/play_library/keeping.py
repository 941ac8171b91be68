"""Starter playbooks of keeping customers: renewal, low usage, a sponsor who left, price, product gap, support."""

from typing import Any, Final

from journeys.rules.play_library.parts import Document, due, fact, step

_NOT_RED: Final = {"not": fact("health.effective_band", "eq", "red")}
_BY_HAND: Final = [{"on": "manual"}, {"on": "alert"}]


def _before(days: int) -> dict[str, Any]:
    return due(days, "anchor", "before")


_RENEWAL: Final = [
    step(
        "renewal_plan",
        "Agree how they decide",
        _before(150),
        goal="Who decides, by which steps and until when is known before anybody talks about price.",
        script="Ask: How was it decided last time? Who signs, who must agree, who could say no? When is your budget "
        "made? What do you need from us, and when?",
        template="Decides: [name] · Agrees: [names] · Budget by: [day] · Needs from us: [list] · Signature by: [day]",
        done_when="decision maker, steps and days are on record",
        panel=("renewals.days_to_renewal", "renewals.amount", "health.effective_score"),
    ),
    step(
        "value_review",
        "Show what it brought",
        _before(100),
        goal="The value is said in their numbers, by their people.",
        script="Bring goal, before and after for each goal. Ask: Is this number right? What would you have done "
        "without it? Note the sentence; it belongs into the quote.",
        done_when="results against goals were shown, and the sponsor has said yes or no to them",
        panel=("accounts.usage_change", "accounts.days_since_contact"),
    ),
    step(
        "clear_risks",
        "Clear what stands against it",
        due(10, "step:value_review"),
        goal="Every doubt has an owner and a day.",
        script="Ask straight: What could keep you from renewing? Then be silent. Write each down with a name.",
        done_when="each risk has an owner and a day, or there is none in the customer's words",
        only_if={"not": fact("health.effective_band", "eq", "green")},
        panel=("health.effective_band", "accounts.tickets_60d", "escalations.open"),
    ),
    step(
        "quote",
        "Send the quote",
        _before(60),
        goal="One clear offer that repeats what it brought.",
        script="Send it only after you have told them the sum. Ask for the day of their answer in the same call.",
        template="You reached [result]. We propose [term, scope, price]. Valid until [day]. Your answer by [day]?",
        done_when="the customer has the quote and has named the day of the answer",
        panel=("renewals.amount",),
    ),
    step(
        "signature",
        "Get the signature",
        _before(21),
        goal="Signed in time, or everybody knows why not.",
        script="Call two days before their day. Ask what is left to do on their side and who does it.",
        done_when="the renewal is signed, or an escalation is open",
        panel=("renewals.days_to_renewal",),
    ),
]

RENEWAL: Final[Document] = {
    "goal": "The renewal is decided in time, on value rather than on price, whoever works it.",
    "category": "Renewal",
    "audience": fact("accounts.status", "eq", "customer"),
    "anchor": "renewal_due",
    "starts": _BY_HAND,
    "outcome": {
        "name": "A renewal was won",
        "rule": fact("renewals.days_since_renewed", "lte", 90),
        "within_days": 240,
    },
    "review_after_runs": 20,
    "variants": [
        {
            "key": "enterprise",
            "segments": ["enterprise"],
            "steps": [
                _RENEWAL[0],
                step(
                    "sponsor_talk",
                    "Sponsor talks to sponsor",
                    _before(130),
                    goal="The two people at the top have heard each other before it is about money.",
                    script="Brief our sponsor on one page: goals, results, open points, what we ask for. Ask theirs "
                    "for half an hour about the year ahead, not about the contract.",
                    owner="executive_sponsor",
                    done_when="the talk was held, and what their sponsor expects of next year is on record",
                    panel=("accounts.arr", "health.effective_score"),
                ),
                *_RENEWAL[1:],
            ],
        },
        {"key": "standard", "steps": _RENEWAL},
    ],
}

LOW_USAGE: Final[Document] = {
    "goal": "People who stopped using it have a reason to come back, or we know why they will not.",
    "category": "Adoption",
    "audience": fact("accounts.status", "eq", "customer"),
    "starts": _BY_HAND,
    "outcome": {
        "name": "Usage is back near its baseline",
        "rule": fact("accounts.usage_change", "gte", -0.05),
        "within_days": 60,
    },
    "steps": [
        step(
            "find_who",
            "Find out who stopped, and when",
            due(2),
            goal="A person and a date instead of a percentage.",
            script="Compare the last 30 days with the 60 before, person by person and part by part. Look for a day on "
            "which it broke: a release, a holiday, somebody who left.",
            done_when="the names of those who stopped and the day since when are on record",
            panel=("accounts.usage_change", "accounts.sponsors_left", "accounts.tickets_30d"),
        ),
        step(
            "ask_them",
            "Ask one of them why",
            due(3, "step:find_who"),
            goal="The reason in their own words.",
            script="Call somebody who used it, not the lead. “I saw that you used [part] until [month]. What do you do "
            "instead now?” Do not sell.",
            done_when="the reason is on record in their words: no need, no time, too hard, something better, or left",
        ),
        step(
            "bring_back",
            "Take away what stands in the way",
            due(7, "step:ask_them"),
            goal="One concrete use that is easier than what they do instead.",
            script="Choose one task of their week and set it up with them. Half an hour, their data, their screen.",
            done_when="they have done the task with it themselves",
        ),
        step(
            "look_again",
            "Look again after three weeks",
            due(21, "step:bring_back"),
            goal="It lasted, or we know that it did not.",
            script="Look at usage of the same people. Tell them what you see and thank them.",
            done_when="usage of these people is noted, and a next step if it fell again",
            panel=("accounts.usage_change",),
        ),
    ],
}

SPONSOR_LEFT: Final[Document] = {
    "goal": "Within a month somebody with a say stands for us again.",
    "category": "Relationship",
    "audience": fact("accounts.status", "eq", "customer"),
    "starts": [
        *_BY_HAND,
        {"on": "signal", "rule": fact("accounts.sponsors_left", "gte", 1), "cool_down_days": 120},
    ],
    "outcome": {
        "name": "In contact, and not at risk",
        "rule": {"all": [fact("accounts.days_since_contact", "lte", 21), _NOT_RED]},
        "within_days": 60,
    },
    "steps": [
        step(
            "ask_leaver",
            "Speak to the one who leaves",
            due(2),
            goal="An introduction from somebody who knows what it brought.",
            script="Congratulate. Ask: Who takes over your goals? Who would miss it most? Would you introduce us? "
            "Where do you go, and may we stay in touch?",
            template="Thank you for the time with us. Who will take over [goal]? A line from you would help: [draft]",
            done_when="the successor is named, or it is known that there is none yet",
            panel=("accounts.sponsors_left",),
        ),
        step(
            "brief",
            "Write the page for the successor",
            due(2, "step:ask_leaver"),
            goal="Somebody new understands in five minutes why this was bought.",
            script="One page: their goal, what was reached in numbers, who uses it, what comes next.",
            done_when="the page is written and one user has confirmed the numbers",
        ),
        step(
            "meet",
            "Meet the successor",
            due(10, "step:brief"),
            goal="We know their goals, they know the value so far.",
            script="Ask first: What were you brought in for? What will you be measured by? Only then show the page, "
            "as far as it serves that.",
            done_when="the goals of the new sponsor are on record, and the contact has the role of sponsor",
        ),
        step(
            "second_friend",
            "Win a second friend",
            due(21, "step:meet"),
            goal="The next one who leaves does not take the relationship along.",
            script="Ask the new sponsor who else should hear of results. Invite that person to the next review.",
            done_when="two people with a say are contacts, each spoken to in the last 30 days",
            only_if=fact("accounts.segment", "in", ["enterprise", "mid_market"]),
            panel=("accounts.arr",),
        ),
    ],
}

PRICING: Final[Document] = {
    "goal": "An objection to the price is answered with value and scope before anybody speaks of a discount.",
    "category": "Renewal",
    "starts": _BY_HAND,
    "outcome": {
        "name": "Not at risk, and still a customer",
        "rule": {"all": [_NOT_RED, fact("accounts.status", "eq", "customer")]},
        "within_days": 90,
    },
    "steps": [
        step(
            "what_is_behind",
            "Find out what is behind it",
            due(2),
            goal="Budget, comparison, or too little value: each needs another answer.",
            script="“Compared with what is it too much?” Then: Who raised it? What would have to be true for it to be "
            "worth it? Is there an offer from somebody else?",
            done_when="the kind of objection and who raised it are on record",
            panel=("accounts.arr", "renewals.days_to_renewal"),
        ),
        step(
            "value_page",
            "Set price against value in their numbers",
            due(5, "step:what_is_behind"),
            goal="The price stands beside what it brought.",
            script="Take their own numbers. Hours, cases, money: before, now, and what it would cost without.",
            template="Costs per year: [sum]. Brought per year: [number] × [their rate] = [sum]. Without it: [what].",
            done_when="the customer has seen the page and corrected or confirmed the numbers",
            panel=("accounts.usage_change",),
        ),
        step(
            "scope",
            "Offer another scope before another price",
            due(3, "step:value_page"),
            goal="A smaller price has a smaller scope or a longer term beside it.",
            script="Offer two: what they use, at its price; all of it, for longer. Ask which is nearer.",
            owner="sales_owner",
            done_when="two offers are in writing, and the customer has named the nearer one",
        ),
        step(
            "decide_discount",
            "Decide on a discount with the manager",
            due(2, "step:scope"),
            goal="What we give has a reason, a limit and something in return.",
            script="Bring: the objection, the value page, both offers and the answer. Propose yes or no yourself.",
            owner="cs_manager",
            done_when="yes with its return, or no, is decided, noted and told to the customer",
            panel=("accounts.arr", "health.effective_score"),
        ),
    ],
}

PRODUCT_GAP: Final[Document] = {
    "goal": "What the product lacks is said honestly, worked around, and known to those who build it.",
    "category": "Product",
    "starts": _BY_HAND,
    "outcome": {
        "name": "No low answers, and not at risk",
        "rule": {"all": [fact("accounts.detractors", "eq", 0), _NOT_RED]},
        "within_days": 120,
    },
    "steps": [
        step(
            "understand",
            "Understand the need behind the wish",
            due(3),
            goal="A need that can be met in more than one way.",
            script="“What would you do with it on the day you have it?” Ask for the last time they needed it, step by "
            "step. Ask what it costs them not to have it.",
            done_when="need, who has it, how often and what it costs them are on record",
            panel=("accounts.arr", "accounts.detractors"),
        ),
        step(
            "work_around",
            "Find a way for today",
            due(7, "step:understand"),
            goal="They can go on working, even if not as they wished.",
            script="Try it yourself first. Offer one way, show its limits.",
            done_when="the customer has tried the way and says whether it will do for now",
        ),
        step(
            "tell_product",
            "Tell those who build it",
            due(2, "step:understand"),
            goal="The gap stands where it is weighed, with the money that hangs on it.",
            script="One gap, one entry: the need, the customer's words, revenue at stake, the way around.",
            template="Need: · Who: · How often: · At stake: · Way around: · Asked by when:",
            done_when="the entry exists, and the answer is no, later or by when",
            panel=("accounts.arr", "renewals.days_to_renewal"),
        ),
        step(
            "say_it",
            "Tell the customer the truth",
            due(2, "step:tell_product"),
            goal="They can plan. No promise that nobody can keep.",
            script="Say no, later or the day. No “soon”. Offer to tell them when it changes, and note that you do.",
            done_when="the customer knows the answer and has said what follows for them",
        ),
    ],
}

SUPPORT_FAILURE: Final[Document] = {
    "goal": "After trouble with support the customer trusts us again, and the cause is gone.",
    "category": "Support",
    "starts": _BY_HAND,
    "outcome": {
        "name": "Tickets are back to what is usual",
        "rule": fact("accounts.ticket_ratio", "lte", 1.5),
        "within_days": 45,
    },
    "steps": [
        step(
            "own_it",
            "Call and own it",
            due(1),
            goal="One person answers for it from now on.",
            script="“This was not good enough. I answer for it from here.” Say what you know and what not, and when "
            "you call again. Do not explain.",
            done_when="the customer knows who answers for it and when they hear the next thing",
            panel=("accounts.tickets_30d", "accounts.ticket_ratio"),
        ),
        step(
            "cause",
            "Find the cause",
            due(3),
            goal="The one thing that, put right, would have spared them the rest.",
            script="Read the tickets in the order in which they came. Ask five times why. One cause, one owner.",
            owner="support",
            done_when="cause, owner and the day of the remedy are on record",
        ),
        step(
            "tell_back",
            "Tell them what changes",
            due(2, "step:cause"),
            goal="They hear the cause from us, with what we change.",
            script="Cause, what we changed already, what comes by when, what they can expect next time.",
            template="What happened: · Why: · What we changed: · What comes by [day]: · Next time you will see:",
            done_when="they have it in writing and said whether it is enough",
        ),
        step(
            "manager_call",
            "The manager calls",
            due(5, "step:tell_back"),
            goal="They see that it mattered above the team, too.",
            script="Ask two things: Was it put right? Would you still recommend us? Listen to the second answer.",
            owner="cs_manager",
            done_when="both answers are on record",
            only_if=fact("accounts.arr", "gte", 5_000_000),
            panel=("accounts.arr", "health.effective_score"),
        ),
    ],
}
