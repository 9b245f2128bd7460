"""A province as data: what it handles, who answers, where, by which rules and in which time.

``data`` says what there is, ``reading`` makes it of a folder of YAML files, ``storage`` keeps it in a service's database.
"""

from shared.province.catalogue import Attribute, Category, Choice, Group, Redirect
from shared.province.checks import misfits, unknown_names
from shared.province.data import Province
from shared.province.naming import AREA, Wording
from shared.province.places import Agency, Area, Contact, Share
from shared.province.policy import (
    EVERYWHERE,
    Allowance,
    Clock,
    ClockName,
    Emergency,
    Escalation,
    Holidays,
    Policy,
    Span,
    WorkingHours,
)
from shared.province.reading import ProvinceError, read_province
from shared.province.ruling import Hours, Rule  # fmt: skip
from shared.province.storage import Loaded, NoProvince, current, current_version, loaded_versions, of_version, store, table

__all__ = [
    "AREA", "EVERYWHERE", "Agency", "Allowance", "Area", "Attribute", "Category", "Choice", "Clock", "ClockName", "Contact",
    "Emergency", "Escalation", "Group", "Holidays", "Hours", "Loaded", "NoProvince", "Policy", "Province", "ProvinceError", "Redirect",
    "Rule", "Share", "Span", "Wording", "WorkingHours", "current", "current_version", "loaded_versions", "misfits", "of_version",
    "read_province", "store", "table", "unknown_names",
]  # fmt: skip
