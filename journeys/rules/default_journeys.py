"""The journeys of a new workspace: the one that accounts walk, and HubSpot's for people at the customer."""

from collections.abc import Mapping
from typing import Any, Final

from journeys.rules.handoffs import DEFAULT_HANDOFFS

_ADOPTED: Final = {"key": "in_use", "name": "In daily use by the teams that we agreed on", "evidence": True}

DEFAULT_JOURNEY: Final[Mapping[str, Any]] = {
    "stages": [
        {
            "key": "awareness",
            "name": "Awareness",
            "owner_team": "Marketing",
            "success": "We have a name for our problem and know that it can be solved.",
            "expected_days": 30,
            "touchpoints": ["Website", "Event or webinar", "Newsletter"],
            "exit": [{"key": "problem", "name": "They name their problem", "evidence": True}],
            "hubspot": ["Subscriber", "Lead"],
        },
        {
            "key": "consideration",
            "name": "Consideration",
            "owner_team": "Sales",
            "success": "We can say what a solution must do for us and who offers it.",
            "expected_days": 30,
            "touchpoints": ["First call", "Demo", "Reference customer"],
            "exit": [{"key": "needs", "name": "Needs and who decides are known", "evidence": True}],
            "hubspot": ["Marketing Qualified Lead", "Sales Qualified Lead"],
            "first_for": ["prospect"],
        },
        {
            "key": "decision",
            "name": "Decision",
            "owner_team": "Sales",
            "success": "We chose with a clear case: what we pay, what we get, by when.",
            "expected_days": 45,
            "touchpoints": ["Proposal", "Security and legal review", "Contract"],
            "exit": [
                {
                    "key": "signed",
                    "name": "Contract signed",
                    "rule": {"fact": "journeys.signed", "op": "eq", "value": True},
                }
            ],
            "hubspot": ["Opportunity"],
        },
        {
            "key": "onboarding",
            "name": "Onboarding",
            "owner_team": "Onboarding",
            "success": "We are set up and had the first result that we bought this for.",
            "expected_days": 60,
            "touchpoints": ["Kick-off", "Weekly call", "Training", "First value review"],
            "exit": [
                {
                    "key": "first_value",
                    "name": "First value reached",
                    "rule": {"fact": "journeys.value_proven", "op": "eq", "value": True},
                },
                {"key": "data", "name": "Data migration signed off", "evidence": True},
                {"key": "training", "name": "Teams trained", "evidence": True},
            ],
            "checkpoints": [
                {"key": "day_14", "name": "Set up as planned?", "after_days": 14},
                {"key": "day_45", "name": "First result in sight?", "after_days": 45},
            ],
            "hubspot": ["Customer"],
        },
        {
            "key": "adoption",
            "name": "Adoption",
            "owner_team": "Customer success",
            "success": "Our people use it in their daily work and it moves the numbers that we agreed on.",
            "expected_days": 240,
            "touchpoints": ["Monthly call", "QBR", "Support", "Product news"],
            "exit": [_ADOPTED],
            "checkpoints": [
                {"key": "day_90", "name": "Does it keep its promise?", "after_days": 90},
                {"key": "day_180", "name": "Are they satisfied?", "after_days": 180},
            ],
            "first_for": ["customer"],
        },
        {
            "key": "renewal",
            "name": "Renewal",
            "owner_team": "Customer success",
            "success": "We saw what it brought us and decided to go on, without surprises.",
            "expected_days": 90,
            "touchpoints": ["Value review", "Renewal offer"],
            "exit": [{"key": "agreed", "name": "The customer said yes or no", "evidence": True}],
            "checkpoints": [{"key": "day_30", "name": "Value shown and price agreed?", "after_days": 30}],
            "back_to": ["adoption"],
        },
        {
            "key": "expansion",
            "name": "Expansion",
            "owner_team": "Customer success",
            "success": "What works for one team of ours now works for more of them.",
            "expected_days": 90,
            "touchpoints": ["Success plan review", "Offer for further teams"],
            "exit": [{"key": "rolled_out", "name": "The further teams work with it", "evidence": True}],
            "back_to": ["adoption", "renewal"],
        },
        {
            "key": "advocacy",
            "name": "Advocacy",
            "owner_team": "Marketing",
            "success": "We gladly tell others what we reached, and get something back for it.",
            "expected_days": 365,
            "touchpoints": ["Reference call", "Case study", "User group"],
            "exit": [{"key": "thanked", "name": "They were thanked for what they gave", "evidence": True}],
            "back_to": ["adoption", "renewal", "expansion"],
            "hubspot": ["Evangelist"],
        },
    ],
    # Known words of HubSpot that say nothing about the stage of a company: kept beside it.
    "hubspot_kept": ["Other"],
    "handoffs": [dict(one) for one in DEFAULT_HANDOFFS],
    "first_value": {
        "clock": "close",
        "events": [
            {"segments": ["enterprise"], "name": "First team live, signed off by the customer", "evidence": True},
            {"name": "First goal of the success plan reached", "evidence": True},
        ],
    },
}

_BACK: Final = ["subscriber", "lead", "marketing_qualified_lead", "sales_qualified_lead", "opportunity", "customer"]

# The eight values of HubSpot's property `lifecyclestage`, in its order. One who is Other may come back anywhere.
CONTACTS_JOURNEY: Final[Mapping[str, Any]] = {
    "stages": [
        {
            "key": key,
            "name": name,
            "owner_team": team,
            "success": success,
            "touchpoints": touchpoints,
            "hubspot": values,
            **more,
        }
        for key, name, team, success, touchpoints, values, more in (
            ("subscriber", "Subscriber", "Marketing", "I hear something worth knowing now and then.",
             ["Newsletter"], ["subscriber"], {}),
            ("lead", "Lead", "Marketing", "My question was answered when I asked it.",
             ["Download", "Event"], ["lead"], {}),
            ("marketing_qualified_lead", "MQL", "Marketing", "They understand what we are trying to do.",
             ["Webinar", "First call"], ["marketingqualifiedlead", "Marketing Qualified Lead", "MQL"], {}),
            ("sales_qualified_lead", "SQL", "Sales", "I talk with somebody who can help me decide.",
             ["Discovery call"], ["salesqualifiedlead", "Sales Qualified Lead", "SQL"], {}),
            ("opportunity", "Opportunity", "Sales", "I know what we would get and what it costs.",
             ["Demo", "Proposal"], ["opportunity"], {}),
            ("customer", "Customer", "Customer success", "It does what I was promised.",
             ["Training", "Support"], ["customer"], {}),
            ("evangelist", "Evangelist", "Customer success", "I tell others, and they listen.",
             ["User group", "Reference call"], ["evangelist"], {}),
            ("other", "Other", "Marketing", "Nobody bothers me with what is not mine.",
             ["None planned"], ["other"], {"back_to": [*_BACK, "evangelist"]}),
        )
    ]
}  # fmt: skip
