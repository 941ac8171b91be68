"""The import page, as a person walks it."""

import io
import zipfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

import accounts.tasks
from accounts.choices import ImportState
from accounts.models import Account, ImportBatch
from core.actors import Actor
from core.jobs import cancel_job, run_job
from core.models import Job, Tenant
from core.tenancy import tenant_context

ACCOUNTS = "Account ID,Account name,CSM,Tier\nA-1,Brightwater,Maya Lindqvist,gold\nA-2,Oakline,Maya Lindqvist,\n"


@pytest.fixture
def upload(browser: Client, kestrel: Tenant, media: Path) -> Any:
    def send(text: str | bytes, name: str = "accounts.csv", kind: str = "") -> Any:
        content = text.encode() if isinstance(text, str) else text
        return browser.post(reverse("accounts:import_new"), {"file": SimpleUploadedFile(name, content), "kind": kind})

    return send


def the_batch(tenant: Tenant) -> ImportBatch:
    with tenant_context(tenant.pk):
        return ImportBatch.objects.select_related("job").latest("pk")


def work(tenant: Tenant) -> str:
    """What the worker would do with the batch's job."""
    batch = the_batch(tenant)
    assert batch.job_id is not None
    return run_job(tenant_id=tenant.pk, job_id=batch.job_id)


def files_in(media: Path) -> list[Path]:
    return [path for path in media.rglob("*") if path.is_file()]


def check(browser: Client, tenant: Tenant, **changes: str) -> Any:
    """Presses "Check the file" with the mapping as the page shows it."""
    batch = the_batch(tenant)
    form = browser.get(reverse("accounts:import_detail", args=[batch.pk]) + "?step=map").context["form"]
    shown = {name: form[name].value() or "" for name in form.fields}
    data = {name: value for name, value in (shown | changes).items() if value not in {"", False}}
    return browser.post(reverse("accounts:import_check", args=[batch.pk]), data)


@pytest.mark.django_db(transaction=True)
class TestFromUploadToResult:
    def test_a_file_goes_from_upload_to_accounts(self, upload: Any, browser: Client, kestrel: Tenant) -> None:
        assert upload(ACCOUNTS).status_code == 302
        batch = the_batch(kestrel)
        page = browser.get(reverse("accounts:import_detail", args=[batch.pk]))
        assert b"What each column means" in page.content
        assert check(browser, kestrel).status_code == 302
        assert work(kestrel) == "done"
        page = browser.get(reverse("accounts:import_detail", args=[batch.pk]))
        assert b"Import 2 rows" in page.content
        with tenant_context(kestrel.pk):
            assert Account.objects.count() == 0
        browser.post(reverse("accounts:import_apply", args=[batch.pk]))
        assert work(kestrel) == "done"
        with tenant_context(kestrel.pk):
            found = list(Account.objects.order_by("name_key").values_list("external_id", "name", "owner__name"))
        assert found == [("A-1", "Brightwater", "Maya Lindqvist"), ("A-2", "Oakline", "Maya Lindqvist")]
        page = browser.get(reverse("accounts:import_detail", args=[batch.pk]))
        assert b"Imported." in page.content

    def test_the_same_file_again_changes_nothing(self, upload: Any, browser: Client, kestrel: Tenant) -> None:
        for _ in range(2):
            upload(ACCOUNTS)
            check(browser, kestrel)
            work(kestrel)
            browser.post(reverse("accounts:import_apply", args=[the_batch(kestrel).pk]))
            if the_batch(kestrel).state == ImportState.APPLYING:
                work(kestrel)
        upload(ACCOUNTS)
        check(browser, kestrel)
        work(kestrel)
        page = browser.get(reverse("accounts:import_detail", args=[the_batch(kestrel).pk]))
        assert b"Nothing to change" in page.content
        assert b'form="apply"' not in page.content

    def test_a_second_delivery_of_the_import_changes_nothing(
        self, upload: Any, browser: Client, kestrel: Tenant
    ) -> None:
        upload(ACCOUNTS)
        check(browser, kestrel)
        work(kestrel)
        browser.post(reverse("accounts:import_apply", args=[the_batch(kestrel).pk]))
        work(kestrel)
        with tenant_context(kestrel.pk):
            before = list(Account.objects.order_by("pk").values_list("pk", "updated_at"))
            Job.objects.filter(pk=the_batch(kestrel).job_id).update(state="queued")
        assert work(kestrel) == "done"
        with tenant_context(kestrel.pk):
            assert list(Account.objects.order_by("pk").values_list("pk", "updated_at")) == before

    def test_a_late_dry_run_leaves_an_import_that_has_begun_alone(
        self, upload: Any, browser: Client, kestrel: Tenant
    ) -> None:
        upload(ACCOUNTS)
        check(browser, kestrel)
        late = the_batch(kestrel).job_id
        work(kestrel)
        browser.post(reverse("accounts:import_apply", args=[the_batch(kestrel).pk]))
        for cancelled in (False, True):
            with tenant_context(kestrel.pk):
                Job.objects.filter(pk=late).update(state="queued", cancel_requested=cancelled)
            assert late is not None
            run_job(tenant_id=kestrel.pk, job_id=late)
            assert the_batch(kestrel).state == ImportState.APPLYING
        assert work(kestrel) == "done"
        assert the_batch(kestrel).state == ImportState.APPLIED

    def test_a_dry_run_that_was_cancelled_can_be_started_again(
        self, upload: Any, browser: Client, kestrel: Tenant, actor: Actor, now: datetime
    ) -> None:
        upload(ACCOUNTS)
        check(browser, kestrel)
        batch = the_batch(kestrel)
        with tenant_context(kestrel.pk):
            cancel_job(job_id=batch.job_id, actor=actor, now=now)
        page = browser.get(reverse("accounts:import_detail", args=[batch.pk]))
        assert b"Nothing was kept" in page.content
        assert check(browser, kestrel).status_code == 302
        assert work(kestrel) == "done"
        assert the_batch(kestrel).state == ImportState.CHECKED

    def test_dates_that_read_two_ways_are_asked(self, upload: Any, browser: Client, kestrel: Tenant) -> None:
        upload("account_id,account_name,signup_date\nA-1,Brightwater,3/4/2025\nA-2,Oakline,5/6/2025\n")
        check(browser, kestrel)
        assert work(kestrel) == "failed"
        page = browser.get(reverse("accounts:import_detail", args=[the_batch(kestrel).pk]))
        assert "dates that read two ways" in page.content.decode()
        check(browser, kestrel, dates="%d/%m/%Y")
        assert work(kestrel) == "done"
        assert the_batch(kestrel).report["created"] == 2

    def test_many_refused_rows_want_a_word(self, upload: Any, browser: Client, kestrel: Tenant) -> None:
        upload("account_id,account_name,seats\nA-1,Brightwater,many\nA-2,Oakline,5\nA-3,Tideway,6\nA-4,Vantage,7\n")
        check(browser, kestrel, column_2="field:seats")
        work(kestrel)
        batch = the_batch(kestrel)
        assert (batch.report["created"], batch.report["rejected"]) == (3, 1)
        browser.post(reverse("accounts:import_apply", args=[batch.pk]))
        assert the_batch(kestrel).state == ImportState.CHECKED
        browser.post(reverse("accounts:import_apply", args=[batch.pk]), {"knows_refusals": "on"})
        assert the_batch(kestrel).state == ImportState.APPLYING
        rejects = browser.get(reverse("accounts:import_rejects", args=[batch.pk]))
        assert b"".join(rejects).decode("utf-8-sig").splitlines()[1].startswith("A-1,Brightwater,many,2,bad_integer,")

    def test_files_are_deleted_a_month_after_their_import_and_the_page_says_so(
        self, upload: Any, browser: Client, kestrel: Tenant, media: Path
    ) -> None:
        upload("account_id,account_name,seats\nA-1,Brightwater,many\nA-2,Oakline,5\n")
        check(browser, kestrel, column_2="field:seats")
        work(kestrel)
        batch = the_batch(kestrel)
        assert len(files_in(media)) == 2
        for days, kept in ((29, 2), (31, 0)):
            with time_machine.travel(batch.created_at + timedelta(days=days)), tenant_context(kestrel.pk):
                accounts.tasks.forget_uploads.run(tenant_id=kestrel.pk)
            assert len(files_in(media)) == kept
        rejects = reverse("accounts:import_rejects", args=[batch.pk])
        page = browser.get(rejects, follow=True).content.decode()
        assert "The file is gone: files are kept for 30 days." in page
        assert f'href="{rejects}"' not in page
        page = browser.get(reverse("accounts:import_detail", args=[batch.pk]) + "?step=map").content.decode()
        assert "The file accounts.csv is not there." in page

    def test_files_of_an_import_under_way_are_kept(
        self, upload: Any, browser: Client, kestrel: Tenant, media: Path
    ) -> None:
        upload(ACCOUNTS)
        check(browser, kestrel)
        later = the_batch(kestrel).created_at + timedelta(days=100)
        with time_machine.travel(later), tenant_context(kestrel.pk):
            assert accounts.tasks.forget_uploads.run(tenant_id=kestrel.pk) == 0
        assert len(files_in(media)) == 1


@pytest.mark.django_db
class TestAcceptingAMeaning:
    @pytest.mark.parametrize("field", ["tier", "colour\x00", ""])
    def test_a_field_that_the_kind_lacks_or_a_nul_changes_nothing(
        self, upload: Any, browser: Client, kestrel: Tenant, field: str
    ) -> None:
        upload(ACCOUNTS)
        batch = the_batch(kestrel)
        data = {"field": field, "word": "gold\x00", "meaning": "Gold"}
        page = browser.post(reverse("accounts:import_value", args=[batch.pk]), data, follow=True)
        assert "That is no word of a column of this file." in page.content.decode()
        assert the_batch(kestrel).mapping == batch.mapping

    def test_a_word_that_is_accepted_is_checked_at_once(self, upload: Any, browser: Client, kestrel: Tenant) -> None:
        upload(ACCOUNTS)
        data = {"field": "owner", "word": "Maya Lindqvist", "meaning": "Maya L"}
        browser.post(reverse("accounts:import_value", args=[the_batch(kestrel).pk]), data)
        batch = the_batch(kestrel)
        assert (batch.state, batch.mapping["values"]) == (ImportState.CHECKING, {"owner": {"Maya Lindqvist": "Maya L"}})


@pytest.mark.django_db
class TestRefusedAtTheDoor:
    @pytest.mark.parametrize(
        ("content", "name", "words"),
        [
            (b"", "empty.csv", "The file is empty"),
            (b"\n\n", "blank.csv", "holds no rows"),
            (b"%PDF-1.7 ...", "contract.pdf", "PDF document"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "book.xls", "old Excel workbook"),
            (b"one,two\n1,2\n", "strange.csv", "fit no kind of data"),
        ],
    )
    def test_a_file_that_cannot_be_read_says_why(self, upload: Any, content: bytes, name: str, words: str) -> None:
        page = upload(content, name)
        assert page.status_code == 422
        assert words in page.content.decode()

    def test_what_is_refused_leaves_no_file(self, upload: Any, media: Path) -> None:
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as archive:
            archive.writestr("accounts.csv", ACCOUNTS)
        page = upload(made.getvalue().replace(b"PK\x01\x02", b"PKxx"), "broken.zip")
        assert (page.status_code, "The archive is broken." in page.content.decode()) == (422, True)
        assert files_in(media) == []

    def test_a_file_over_the_limit_is_refused(self, upload: Any, settings: Any) -> None:
        settings.IMPORT_MAX_BYTES = 10
        page = upload(ACCOUNTS)
        assert (page.status_code, "10 are allowed" in page.content.decode()) == (422, True)

    def test_no_file_is_a_message(self, browser: Client, media: Path) -> None:
        page = browser.post(reverse("accounts:import_new"), {})
        assert (page.status_code, "Choose a file first" in page.content.decode()) == (422, True)

    def test_the_list_shows_what_was_uploaded(self, upload: Any, browser: Client) -> None:
        assert b"Nothing imported yet" in browser.get(reverse("accounts:imports")).content
        upload(ACCOUNTS, "november.csv")
        assert b"november.csv" in browser.get(reverse("accounts:imports")).content
