"""The session about whose privileges a vCenter is asked: the one that asks, also after it had ended."""

from __future__ import annotations

from pyVmomi import vim

from drdeck.sites.vsphere.doctor.privileges import FOLDER, SET_FIELD, Need, Place, lacks
from tests.support.vcenter.logged_in import logged_in
from tests.support.vcenter.soapcount import soap_calls
from tests.support.vcenter.vcsim import VCenter


def test_it_is_known_by_its_login_and_after_a_new_one_asked_about_again(vcenter: VCenter) -> None:
    vcenter.layout({"erp": []})
    folder = Place(vim.Folder, vcenter.folder("erp")._moId, "erp", True)
    need = Need(SET_FIELD, FOLDER, ("cfo_start",))
    with logged_in(vcenter) as session:
        with soap_calls() as calls:
            assert lacks(session, [(need, [folder])]) == []
        assert calls == {"HasPrivilegeOnEntities": 1}
        before = session.key
        vcenter.end_session(before)
        with soap_calls() as calls:
            assert lacks(session, [(need, [folder])]) == []
        assert session.key != before and calls["HasPrivilegeOnEntities"] == 3, calls
