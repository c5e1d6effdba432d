from scenario_rig import Rig
from test_scenario_joining import *
def test_dbg(rig):
    phone, api = rig.phone(), rig.api("dispatcher")
    older, newer = two_open_tickets(rig, phone)
    print(older,newer, tickets_of(rig, older))
    api.act(newer, "merge", into=older)
    print(phone.says("还有，楼道灯也不亮"))
    print(tickets_of(rig, older), phone.lines("receipt"))
    f=api.ticket(older)["follower"]["id"]
    print(api.get(f"/followers/{f}/messages").json())
    assert 0
