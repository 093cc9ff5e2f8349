"""Traces of drdeck at a site, for whoever takes it off again."""

from __future__ import annotations

from .frozen import Frozen


class DomainLeftovers(Frozen, frozen=True, kw_only=True):
    """The record in one domain's folder: names of its attributes, and what they say of it."""

    name: str
    attributes: tuple[str, ...] = ()
    says: str = ""
    """what is forgotten with them"""
    hindrance: str = ""
    """why they cannot be taken away now; empty: they can"""


class Leftovers(Frozen, frozen=True, kw_only=True):
    """Everything that drdeck left at a site."""

    domains: tuple[DomainLeftovers, ...] = ()
    """those that have a record"""
    definitions: tuple[str, ...] = ()
    """attributes that nothing else at this vCenter uses"""
    used_elsewhere: tuple[str, ...] = ()
    """folders beside these that have a record, or a lease"""
    points: int = 0
    """snapshots that drdeck made; they are left alone"""
    points_of: int = 0
    """VMs that have them"""
