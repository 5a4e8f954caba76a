"""What both state machines share: a state column that only the door can write.

django-fsm guards the attribute in memory. This guards the row: `save`, `update`, `bulk_update`,
`create` and `bulk_create` refuse to write a state, so that no state can change without the
audit row that `local_import.door` writes in the same transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, ClassVar, Self, TypeVar

from django.db import models

M = TypeVar("M", bound="Stateful")


class StateWriteRefused(Exception):
    """A state was about to be written past the door; use local_import.door or a service."""


class StatefulQuerySet(models.QuerySet[M]):
    def update(self, **values: Any) -> int:
        if "state" in values:
            raise StateWriteRefused("QuerySet.update(state=…) would leave no audit row.")
        return super().update(**values)

    def update_by_door(self, **values: Any) -> int:
        """`update`, states included; only local_import.door calls it, which writes the audit."""
        return super().update(**values)

    def bulk_update(
        self, objs: Iterable[M], fields: Iterable[str], batch_size: int | None = None
    ) -> int:
        named = list(fields)
        if "state" in named:
            raise StateWriteRefused("bulk_update of state would leave no audit row.")
        return super().bulk_update(objs, named, batch_size)

    def bulk_create(self, objs: Iterable[M], *args: Any, **options: Any) -> list[M]:
        rows = list(objs)
        for row in rows:
            row.refuse_unless_initial()
        named = (*args[3:4], options.get("update_fields"))
        if any("state" in fields for fields in named if fields):
            raise StateWriteRefused(
                "bulk_create with update_fields=state would leave no audit row."
            )
        created = super().bulk_create(rows, *args, **options)
        for row in created:
            row._stored_state = row.__dict__["state"]
        return created


class Stateful(models.Model):
    """Base of a model whose `state` is an FSMField(protected=True)."""

    # What transitions write. It goes with the state of the row, so that an object that is saved whole
    # does not write it: it may be older than its row.
    WITH_STATE: ClassVar[frozenset[str]] = frozenset({"state"})
    # What the row in the database says; None for a row that is not there yet.
    _stored_state: str | None = None

    class Meta:
        abstract = True

    @classmethod
    def from_db(
        cls, db: str | None, field_names: Collection[str], values: Collection[Any], **options: Any
    ) -> Self:
        row = super().from_db(db, field_names, values, **options)
        row._stored_state = row.__dict__.get("state")
        return row

    def save(self, *, update_fields: Iterable[str] | None = None, **options: Any) -> None:
        """Insert a new row, in its first state, or update all columns but those that go with the state.

        An object may be older than its row: writing its state back would undo what the door did.
        For the same reason a new object is only ever inserted, whatever its primary key.
        """
        if self._state.adding:
            self.refuse_unless_initial()
            options["force_insert"] = True
        else:
            self._refuse_other_than(self._stored_state)
            update_fields = self._columns_to_update(update_fields)
        super().save(update_fields=update_fields, **options)
        self._stored_state = self.__dict__.get("state", self._stored_state)

    def _columns_to_update(self, named: Iterable[str] | None) -> list[str]:
        if named is None:
            left_out = self.WITH_STATE | self.get_deferred_fields()
            fields = self._meta.concrete_fields
            return [f.attname for f in fields if not f.primary_key and f.attname not in left_out]
        names = list(named)
        if "state" in names:
            raise StateWriteRefused("save(update_fields=state) would leave no audit row.")
        return names

    def refuse_unless_initial(self) -> None:
        """Raise StateWriteRefused when the object, which is to be inserted, has begun already."""
        self._refuse_other_than(self._meta.get_field("state").get_default())  # type: ignore[union-attr]

    def _refuse_other_than(self, expected: str | None) -> None:
        state = self.__dict__.get("state", expected)
        if state != expected:
            raise StateWriteRefused(
                f"{self._meta.label} {self.pk}: saving would change the state from {expected} to "
                f"{state} without an audit row."
            )

    def refresh_from_db(
        self,
        using: str | None = None,
        fields: Iterable[str] | None = None,
        from_queryset: models.QuerySet[Any] | None = None,
    ) -> None:
        """Reload, and let the protected state be set again.

        FSMModelMixin of django-fsm-2 4.2.4 lifts the protection on the class while it reloads,
        for every thread, and for good when the reload fails. The protection of an instance ends
        when its value is gone, so taking that away is enough.
        """
        deferred = self.get_deferred_fields()
        names = [f.attname for f in self._meta.concrete_fields if f.attname not in deferred]
        wanted = names if fields is None else list(fields)
        kept = dict(self.__dict__)
        if "state" in wanted:
            self.__dict__.pop("state", None)
        try:
            super().refresh_from_db(using, wanted, from_queryset)
        except BaseException:
            self.__dict__.update(kept)
            raise
        self._stored_state = self.__dict__.get("state", self._stored_state)
