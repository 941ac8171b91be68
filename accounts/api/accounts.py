"""Accounts: to read, to filter, and to write by their external id."""

from typing import Any, Final

from django.shortcuts import get_object_or_404
from rest_framework import serializers

from accounts.actions.rows import ImportRefused, take_rows
from accounts.api.facts import taken
from accounts.api.rows import Names, TakenShape, row_list
from accounts.choices import AccountStatus, Segment
from accounts.models import Account
from accounts.queries.listing import accounts_matching, with_scores
from core.api.endpoints import Answer, ApiView, Call, endpoint
from core.api.errors import Refused
from core.api.pages import page_of
from core.permissions import Permission

BANDS: Final = ("green", "yellow", "red", "none")
EXTERNAL_ID_MAX: Final = 120


class OwnerShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()


class AccountShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    external_id = serializers.CharField(allow_blank=True)
    name = serializers.CharField()
    status = serializers.ChoiceField(choices=AccountStatus.choices)
    segment = serializers.CharField(allow_blank=True)
    owner = OwnerShape(allow_null=True)
    industry = serializers.CharField(allow_blank=True)
    country = serializers.CharField(allow_blank=True)
    plan = serializers.CharField(allow_blank=True)
    employees = serializers.IntegerField(allow_null=True)
    seats = serializers.IntegerField(allow_null=True)
    customer_since = serializers.DateField(allow_null=True)
    arr_minor = serializers.SerializerMethodField()
    last_contact_on = serializers.DateField(allow_null=True)
    merged_into = serializers.IntegerField(
        source="merged_into_id", allow_null=True, help_text="Id of the account that has everything of this one now."
    )
    score = serializers.FloatField(source="fact_health_score", allow_null=True, help_text="0 to 100, as computed.")
    band = serializers.CharField(source="fact_health_band", allow_null=True, help_text="Null before the first score.")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()

    def get_arr_minor(self, account: Account) -> int | None:
        """Annual recurring revenue in minor units; null for roles that see no money."""
        call: Call = self.context["call"]
        return account.arr_minor if call.may(Permission.VIEW_MONEY) else None


class AccountDetailShape(AccountShape):
    attributes = serializers.SerializerMethodField()

    def get_attributes(self, account: Account) -> dict[str, Any] | None:
        """Columns of imports that are no field, as printed; null for roles that see no money: it may be among them."""
        call: Call = self.context["call"]
        return account.attributes if call.may(Permission.VIEW_MONEY) else None


class AccountQuery(serializers.Serializer[Any]):
    segment = serializers.ChoiceField(choices=Segment.choices, required=False, allow_blank=True)
    status = serializers.ChoiceField(choices=AccountStatus.choices, required=False)
    owner = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1, help_text="Id of the owner.")
    band = serializers.ChoiceField(choices=BANDS, required=False)
    external_id = serializers.CharField(required=False, max_length=EXTERNAL_ID_MAX)


class AccountFields(serializers.Serializer[Any]):
    """What an account can be given. What is left out keeps its value."""

    name = serializers.CharField(max_length=200)
    domain = serializers.CharField(required=False, allow_null=True, max_length=300)
    industry = serializers.CharField(required=False, allow_null=True, max_length=80)
    country = serializers.CharField(required=False, allow_null=True, max_length=80)
    segment = serializers.ChoiceField(
        choices=[one for one in Segment.choices if one[0]], required=False, allow_null=True
    )
    plan = serializers.CharField(required=False, allow_null=True, max_length=80)
    employees = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=2**31 - 1)
    seats = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=2**31 - 1)
    customer_since = serializers.DateField(required=False, allow_null=True)
    status = serializers.ChoiceField(choices=AccountStatus.choices, required=False)
    owner = serializers.CharField(
        required=False, allow_null=True, max_length=160, help_text="E-mail or name; somebody new is added."
    )


class AccountRow(AccountFields):
    external_id = serializers.CharField(required=False, allow_null=True, max_length=EXTERNAL_ID_MAX)


ACCOUNTS: Final = Names("accounts", {str(name): str(name) for name in AccountRow().fields})


class AccountBatch(serializers.Serializer[Any]):
    rows = row_list(ACCOUNTS, AccountRow)


class AccountList(ApiView):
    @endpoint(Permission.VIEW_ACCOUNTS, AccountShape, summary="Accounts", query=AccountQuery, pages=True,
              tag="accounts")  # fmt: skip
    def get(self, call: Call) -> Answer:
        asked = call.query
        found = accounts_matching(
            today=call.today,
            segment=asked.get("segment"),
            status=asked.get("status"),
            owner_id=asked.get("owner"),
            external_id=asked.get("external_id"),
            band=asked.get("band"),
        )
        return Answer(page_of(with_scores(found, today=call.today), asked, by="id", within=call.within))

    @endpoint(Permission.IMPORT_DATA, TakenShape, summary="Take accounts: new ones are made, known ones changed",
              body=AccountBatch, tag="accounts")  # fmt: skip
    def post(self, call: Call) -> Answer:
        return taken(call, ACCOUNTS)


class AccountDetail(ApiView):
    @endpoint(Permission.VIEW_ACCOUNTS, AccountDetailShape, summary="One account", tag="accounts")
    def get(self, call: Call, account_id: int) -> Answer:
        return Answer(get_object_or_404(with_scores(Account.objects.all(), today=call.today), pk=account_id))


class AccountByExternalId(ApiView):
    @endpoint(Permission.VIEW_ACCOUNTS, AccountDetailShape, summary="One account, by your own id", tag="accounts")
    def get(self, call: Call, external_id: str) -> Answer:
        return Answer(_by_external_id(call, external_id))

    @endpoint(Permission.EDIT_ACCOUNTS, AccountDetailShape, summary="Make or change an account by your own id",
              body=AccountFields, refuses=(422,), tag="accounts")  # fmt: skip
    def put(self, call: Call, external_id: str) -> Answer:
        if len(external_id) > EXTERNAL_ID_MAX or external_id != external_id.strip():
            raise Refused("invalid", f"An external id has at most {EXTERNAL_ID_MAX} signs and no blanks around it.")
        try:
            done = take_rows(
                tenant=call.tenant,
                kind="accounts",
                rows=[{**call.body, "external_id": external_id}],
                columns=ACCOUNTS.columns,
                actor=call.actor,
                now=call.now,
                today=call.today,
            )
        except ImportRefused as refusal:
            raise Refused(refusal.code, refusal.message) from refusal
        if done.rows:
            raise Refused(done.rows[0].code, done.rows[0].reason)
        return Answer(_by_external_id(call, external_id), status=201 if done.created else 200)


def _by_external_id(call: Call, external_id: str) -> Account:
    """An account that was merged into another one is found as the other one."""
    found = accounts_matching(today=call.today, external_id=external_id or "-")
    one = get_object_or_404(with_scores(found, today=call.today).exclude(external_id=""))
    if one.merged_into_id is None:
        return one
    return get_object_or_404(with_scores(Account.objects.all(), today=call.today), pk=one.merged_into_id)
