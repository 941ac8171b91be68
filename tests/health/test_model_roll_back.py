"""Going back where that is not possible, and what the report of a version says of those before it."""

from typing import Any

import pytest
from django.utils import timezone

from core.choices import VersionState
from core.models import ProcessVersion, Tenant
from core.shapes import BadFields
from core.tenancy import tenant_context
from health.queries.proof_page import _ancestor
from health.rules.document import MOST_INPUTS
from health.rules.reshaping import with_input
from tests.factories.health import one_input
from tests.health.test_model_pages import URL, Client, admin, begun, book, edit, workspace

__all__ = ["admin", "workspace"]


@pytest.mark.django_db
@pytest.mark.parametrize("mapping", [{"learn": "linear"}, {"nonsense": 1}])
def test_going_back_to_what_may_not_be_live_any_more_is_refused_in_words(
    admin: Client, workspace: Tenant, mapping: dict[str, Any]
) -> None:
    book(workspace)
    draft = begun(admin, workspace)
    edit(admin, draft, weight__usage="60", weight__nps="40")
    admin.post(f"{URL}publish/", {"reason": "More sentiment", "waiver": "Pilot month", "signed": "Priya"})
    with tenant_context(workspace.pk):
        before = ProcessVersion.objects.get(kind="score_model", key="standard", number=draft.number - 1)
        before.definition["inputs"][0]["mapping"] = mapping
        ProcessVersion.objects.filter(pk=before.pk).update(definition=before.definition)
    told = admin.post(f"{URL}rollback/", {"seen": draft.number, "reason": "Worse"}, follow=True)
    assert (told.status_code, told.redirect_chain[-1][0]) == (200, URL)
    assert [one.level_tag for one in told.context["messages"]][-1] == "error"
    with tenant_context(workspace.pk):
        live = ProcessVersion.objects.get(kind="score_model", key="standard", state=VersionState.PUBLISHED)
    assert live.number == draft.number


def test_the_day_of_publishing_is_that_of_the_workspace() -> None:
    ancestor: dict[str, Any] = {
        "number": 1, "origin": "intuition", "trained_until": None, "based_on": None, "published_by": "Priya",
        "published_at": "2026-03-31T22:30:00+00:00", "reason": "", "waived_by": "",
    }  # fmt: skip
    with timezone.override("Europe/Berlin"):
        assert "1 Apr 2026" in _ancestor(ancestor).replace("\xa0", " ")
    with timezone.override("America/New_York"):
        assert "31 Mar 2026" in _ancestor(ancestor).replace("\xa0", " ")


def test_the_editor_takes_as_many_inputs_as_the_language() -> None:
    document: dict[str, Any] = {"inputs": [one_input()]}
    for _ in range(MOST_INPUTS - 1):
        document = with_input(document, one_input())
    assert len({one["key"] for one in document["inputs"]}) == MOST_INPUTS
    with pytest.raises(BadFields, match=str(MOST_INPUTS)):
        with_input(document, one_input())
