"""The pages that are looked at in every mode, and one row of each kind to look at."""

from typing import Final

# One line per part of the product; a part adds its pages here. Names in braces are the rows below.
PAGES: Final = (
    "/", "/?scope=everyone", "/?scope=team&tab=handoffs", "/?tab=snoozed", "/day/tasks/{task}/why/",
    "/handoffs/?view=all", "/handoffs/{handoff}/",
    "/accounts/", "/accounts/{account}/", "/accounts/{account}/health/",
    "/renewals/", "/renewals/{renewal}/", "/qbrs/?who=all", "/qbrs/{qbr}/",
    "/escalations/?who=all", "/escalations/{escalation}/",
    "/pipeline/", "/pipeline/?by=closed", "/pipeline/deals/?which=all", "/pipeline/recurring/?by=reason",
    "/accounts/duplicates/", "/accounts/{account}/merge/", "/accounts/{account}/merges/",
    "/opportunities/", "/opportunities/?view=table", "/opportunities/?view=forecast", "/opportunities/new/",
    "/opportunities/{deal}/", "/opportunities/{deal}/edit/", "/stages/", "/stages/pipelines/sales/",
    "/leads/", "/leads/?grade=B", "/leads/{lead}/", "/waivers/", "/waivers/?state=used", "/waivers/report/",
    "/journey/", "/journey/?view=now&stage=onboarding", "/journey/stages/onboarding/?show=stuck",
    "/journey/stages/renewal/?show=missing", "/journey/outside/", "/journey/checkpoints/", "/journey/value/",
    "/journey/contacts/",
    "/stages/journeys/standard/", "/stages/journeys/contacts/",
    "/trend/", "/trend/portfolio/", "/trend/movements/", "/trend/gaps/", "/trend/sources/", "/trend/accounts/",
    "/metrics/", "/imports/", "/imports/new/",
    "/health/models/", "/health/models/standard/", "/health/models/new/", "/health/sentiment/",
    "/health/reports/{report}/",
    "/playbooks/", "/playbooks/low_usage/", "/playbooks/renewal/?open=:about", "/playbooks/new/", "/playbooks/why/",
    "/playbooks/ramp/", "/playbooks/renewal/plays/?state=over", "/playbooks/renewal/walk/", "/plays/{play}/",
    "/playbooks/renewal/audience/",
    "/alerts/", "/alerts/rules/", "/alerts/why/", "/alerts/{alert}/",
    "/processes/", "/processes/score_model/standard/", "/processes/upload/", "/processes/program/small_onboarding/",
    "/processes/documents/", "/processes/documents/segmentation/", "/processes/journey/standard/document/",
    "/settings/members/",
    "/people/absences/", "/people/books/", "/people/{person}/book/",
    "/notifications/", "/notifications/choices/", "/settings/api-keys/",
    "/help/", "/sign-in/password/change/", "/no-such-page/",
)  # fmt: skip
FIRST: Final = {
    "account": "SELECT account_id FROM renewals_renewal WHERE state = 'open' ORDER BY due_on LIMIT 1",
    "renewal": "SELECT id FROM renewals_renewal WHERE state = 'open' ORDER BY due_on LIMIT 1",
    "qbr": "SELECT qbr_id FROM qbr_qbrpackage ORDER BY qbr_id LIMIT 1",
    "escalation": "SELECT id FROM escalations_escalation ORDER BY id LIMIT 1",
    "lead": "SELECT id FROM accounts_account WHERE status = 'prospect' ORDER BY id LIMIT 1",
    "person": "SELECT owner_id FROM accounts_account WHERE owner_id IS NOT NULL "
    "GROUP BY 1 ORDER BY count(*) DESC LIMIT 1",
    "deal": "SELECT o.id FROM journeys_opportunity AS o JOIN journeys_pipelinestage AS s ON s.id = o.stage_id "
    "AND s.tenant_id = o.tenant_id WHERE s.key = 'demo' ORDER BY o.id LIMIT 1",
    "handoff": "SELECT id FROM journeys_handoff WHERE state = 'waiting' ORDER BY id LIMIT 1",
    "task": "SELECT id FROM journeys_task WHERE kind = 'renewal' AND state = 'open' ORDER BY id LIMIT 1",
    "report": "SELECT id FROM health_validationreport ORDER BY id DESC LIMIT 1",
    "play": "SELECT id FROM journeys_playbookrun WHERE state = 'running' ORDER BY id LIMIT 1",
    "alert": "SELECT id FROM health_alert ORDER BY id LIMIT 1",
}
