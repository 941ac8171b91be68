"""What people write in a timeline, by what is going on at the customer. Quotes are in the customer's words."""

from typing import Final

# (context, kind, subject, body); {contact} is a full name, {first} a given name.
TIMELINE: Final = (
    ("onboarding", "meeting", "Kick-off with {contact}", "Agreed the three goals of the success plan. {first}: \u201cIf the "
     "planners stop keeping their own spreadsheets, this has paid for itself.\u201d"),
    ("onboarding", "call", "Data migration, status", "Two of five sources are in. The old export has duplicate customers; "
     "{first} cleans them until Thursday."),
    ("onboarding", "meeting", "First training, 14 people", "Good questions on approvals. {first} wants a second session for "
     "the late shift."),
    ("onboarding", "email", "Single sign-on is live", "{first} confirmed that everybody gets in. Next: roles for the "
     "regional teams."),
    ("steady", "call", "Check-in with {contact}", "Running well. They built a report of their own for the board. {first}: "
     "\u201cWe look at it every Monday now.\u201d"),
    ("steady", "email", "Release notes, two questions", "{first} asked when the new filters reach their plan, and whether "
     "exports keep their order. Answered both."),
    ("steady", "meeting", "Quarterly review", "Walked through goals and results. Lead time is down, returns are not. Next "
     "step: look at the return reasons together."),
    ("steady", "call", "Working session on approvals", "Cut the approval chain from five steps to three with {first}. They "
     "try it with one team first."),
    ("steady", "note", "Visit to {company}", "Met {first} and the floor team. Screens hang in the hall; people use the "
     "mobile view more than we thought."),
    ("steady", "email", "Reference call agreed", "{first} speaks with a prospect next week: \u201cHappy to. Twenty "
     "minutes, no slides.\u201d"),
    ("steady", "call", "Question on user rights", "Seasonal staff need access for eight weeks. Showed {first} the guest role."),
    ("steady", "meeting", "Roadmap talk", "Most wanted: planning across sites. {first} offered two planners for the pilot."),
    ("decline", "call", "Fewer people log in", "{first}: \u201cHalf the team went back to mail. Nobody told them to, it just "
     "happened after the reorganisation.\u201d Agreed to look at who stopped."),
    ("decline", "email", "No answer on the usage review", "Second mail to {first} about the drop. Out-of-office until the "
     "end of the week."),
    ("decline", "meeting", "What has changed at {company}", "A new shift model; the mobile view does not fit it. {first}: "
     "\u201cIf it costs us clicks, they do not use it.\u201d Wrote down four blockers."),
    ("decline", "call", "Licence question", "{first} asked how many seats they have to keep at the end of the term. Did not "
     "want to talk about goals."),
    ("decline", "note", "Team dissolved", "The team that used us most has been split over two sites. Need a new owner on "
     "their side."),
    ("support", "call", "They are tired of tickets", "{first}: \u201cThis is the third time we explain the same fault.\u201d "
     "Promised one contact in support and a date."),
    ("support", "email", "Escalated by {contact}", "Asks for a written cause of the sync failures. Copied their head of IT."),
    ("support", "meeting", "Service review", "Went through every open ticket. Two are ours, one is their proxy. {first} wants "
     "a weekly call until it is quiet."),
    ("sponsor", "call", "Looking for a new sponsor", "{first} thinks the budget moves to finance. No name yet."),
    ("sponsor", "email", "Introduction asked", "Asked {first} to introduce us to the successor. \u201cGive me two weeks, "
     "everything is being reshuffled.\u201d"),
    ("sponsor", "meeting", "Value summary for the successor", "One page on what they gained. {first} takes it to the "
     "steering round."),
    ("sponsor_news", "note", "{contact} is leaving", "Heard from the assistant: last day at the end of the month, successor "
     "open. {first} carried the business case; nobody else on that floor knows us."),
    ("growth", "call", "They are running out of seats", "{first}: \u201cTwo people share a login in dispatch. I know, I "
     "know.\u201d Asked for a quote."),
    ("growth", "meeting", "Second site wants in", "The plant in the south has seen it and asks for 40 seats. {first} "
     "gathers the requirements."),
    ("growth", "email", "Quote for more seats", "Sent the step price. {first} needs it before the budget round."),
    ("renewal", "call", "Renewal talk with {contact}", "No surprises. {first} wants the same term and asks for a price hold "
     "on the add-on."),
    ("renewal", "email", "Quote sent", "Renewal quote with this year's results attached. {first} passes it to purchasing."),
    ("renewal", "meeting", "Value review before renewal", "Three of three goals reached or close. {first}: \u201cFrom my side "
     "this is a signature, the rest is process.\u201d"),
    ("expanded", "call", "More seats ordered", "{first} signed the extension. Training for the new team is booked."),
    ("renewed", "call", "Renewal signed", "Signed for another year. {first}: \u201cPlease keep the Monday report, it is the "
     "only thing everybody reads.\u201d"),
    ("renewed", "email", "Signed contract received", "Countersigned and filed. Next review in the autumn."),
    ("contracted", "call", "Renewed with fewer seats", "{first} keeps the core team only. \u201cLet us prove it there first.\u201d"),
    ("churned", "call", "They are leaving", "{first}: \u201cIt was never about the price. We stopped using it and nobody "
     "noticed, on both sides.\u201d"),
    ("churned", "email", "Notice received", "Short mail, no reasons. Asked {first} for a closing talk."),
)  # fmt: skip

TICKETS_PLAIN: Final = (
    "Export keeps an old column order", "How do I add a guest user?", "Report by week starts on Sunday",
    "Password reset mail arrives late", "Change the logo on printed orders", "Mobile view: filter is hidden",
    "Import: which date format?", "Rename a team", "Two users with the same name", "Question on the audit log",
    "Calendar feed shows yesterday", "Rounding in the quarterly sum", "Add a field to the order form",
    "Printer label is cut off", "Who changed this record?", "Invoice address has moved",
)  # fmt: skip
TICKETS_BAD: Final = (
    "Sync has stopped again", "Orders are missing since this morning", "Page does not load for the whole site",
    "Approvals are sent twice", "Nightly import fails, third time", "Wrong totals in the month-end report",
    "Users are signed out every few minutes", "Search finds nothing", "Data of last week overwritten",
    "Interface to the warehouse is down",
)  # fmt: skip
# (title, unit, baseline, target)
GOALS: Final = (
    ("Order lead time", "days", 9.0, 5.0), ("Orders without rework", "%", 81.0, 95.0),
    ("Planners working in one tool", "%", 40.0, 90.0), ("Hours of manual entry a week", "hours", 46.0, 12.0),
    ("First answer to customers", "hours", 20.0, 4.0), ("Month-end closing", "days", 8.0, 3.0),
    ("Stock accuracy", "%", 88.0, 98.0), ("Audit findings a year", "findings", 14.0, 4.0),
)  # fmt: skip
TODOS: Final = (
    "Send the security questionnaire back to {company}", "Introduce the new support contact to {company}",
    "Prepare the price step for {company}", "Ask {company} for a reference quote",
    "Book the second training for {company}", "Agree a new sponsor with {company}",
)  # fmt: skip
