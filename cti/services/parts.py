"""The services of one centre, made in the order in which they need each other."""

from __future__ import annotations

from cti.services.acd import Acd
from cti.services.arrivals import Arrivals
from cti.services.calls import CallControl
from cti.services.centre import Centre
from cti.services.desk import Desk
from cti.services.dialling import Dialling
from cti.services.endings import Endings
from cti.services.lifecycle import Lifecycle
from cti.services.links import Links
from cti.services.outputs import Outputs
from cti.services.overflow import Overflows
from cti.services.reconcile import Reconciler
from cti.services.recordings import Recordings
from cti.services.rejoin import Rejoining
from cti.services.requests import Requests
from cti.services.routing import Routing
from cti.services.supervision import Supervision
from cti.services.transfers import Transfers
from cti.services.trunk_test import TrunkTests
from cti.services.watched import WatchedCalls


class Parts:
    def __init__(self, centre: Centre) -> None:
        self.control = CallControl(centre)
        self.acd = Acd(centre, self.control)
        self.dialling = Dialling(centre, self.control, self.acd)
        self.transfers = Transfers(centre, self.control, self.acd, self.dialling)
        self.desk = Desk(centre, self.control, self.acd, self.transfers)
        self.routing = Routing(centre, self.control, self.acd)
        self.lifecycle = Lifecycle(centre, self.control, self.acd, self.routing, self.dialling)
        self.endings = Endings(
            centre,
            self.control,
            self.acd,
            self.routing,
            self.dialling,
            self.transfers,
            self.lifecycle.answering,
            self.lifecycle.listening,
        )
        self.links = Links(centre, self.control, self.acd, self.endings)
        self.watched = WatchedCalls(centre, self.control)
        self.arrivals = Arrivals(centre, self.control, self.routing, self.dialling)
        self.reconciler = Reconciler(
            centre,
            self.control,
            self.acd,
            self.routing,
            self.lifecycle,
            self.endings,
            self.links,
            self.watched,
            self.arrivals.offered,
        )
        self.overflows = Overflows(centre, self.acd, self.routing)
        self.trunk_tests = TrunkTests(centre, self.control, self.routing)
        supervision = Supervision(centre, self.control, self.acd, self.lifecycle.listening, self.routing.callbacks)
        self.requests = Requests(
            centre,
            self.acd.agents,
            self.dialling,
            self.desk,
            self.transfers,
            Rejoining(centre, self.control),
            self.trunk_tests,
            supervision,
        )
        self.recordings = Recordings(centre)
        self.outputs = Outputs(centre, self.trunk_tests)
