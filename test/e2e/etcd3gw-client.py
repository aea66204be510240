"""What users of the Python package etcd3gw do, against the server at the host and port that are given."""

import sys
import threading
import time
import uuid

from etcd3gw import client as default_client
from etcd3gw import exceptions
from etcd3gw.client import Etcd3Client

HOST, PORT = sys.argv[1], int(sys.argv[2])


def keys_and_values(etcd, prefix):
    assert etcd.get(prefix) == []
    assert etcd.put(prefix + "/a", "1")
    assert etcd.put(prefix + "/b", b"\x00\xff")
    assert etcd.put(prefix + "/empty", "")
    assert etcd.get(prefix + "/a") == [b"1"]
    assert etcd.get(prefix + "/empty") == [b""]
    values = [value for value, _ in etcd.get_prefix(prefix, sort_order="descend", sort_target="key")]
    assert values == [b"", b"\x00\xff", b"1"], values
    assert etcd.create(prefix + "/new", "1") and not etcd.create(prefix + "/new", "2")
    assert etcd.replace(prefix + "/new", "1", "2") and not etcd.replace(prefix + "/new", "1", "3")
    assert etcd.delete(prefix + "/new") and not etcd.delete(prefix + "/new")
    assert etcd.delete_prefix(prefix) and etcd.get_prefix(prefix) == []


def transactions(etcd, prefix):
    key = etcd_encode(prefix + "/txn")
    compare = [{"key": key, "result": "EQUAL", "target": "VERSION", "version": 0}]
    txn = {"compare": compare, "success": [{"request_put": {"key": key, "value": etcd_encode("1")}}]}
    txn["failure"] = [{"request_range": {"key": key}}]
    assert etcd.transaction(txn)["succeeded"]
    second = etcd.transaction(txn)
    assert "succeeded" not in second
    assert second["responses"][0]["response_range"]["count"] == "1"


def leases(etcd, prefix):
    lease = etcd.lease(ttl=60)
    assert etcd.put(prefix + "/leased", "1", lease=lease)
    assert lease.keys() == [(prefix + "/leased").encode()]
    assert 55 <= lease.ttl() <= 60
    assert lease.refresh() == 60
    assert lease.revoke()
    assert etcd.get(prefix + "/leased") == [] and lease.ttl() == -1
    short = etcd.lease(ttl=2)
    etcd.put(prefix + "/short", "1", lease=short)
    began = time.monotonic()
    while etcd.get(prefix + "/short"):
        assert time.monotonic() - began < 10
        time.sleep(0.05)
    assert time.monotonic() - began >= 1.5


def locks(etcd, prefix):
    name = prefix.strip("/")
    with etcd.lock(name, ttl=30) as lock:
        assert lock.is_acquired()
        other = etcd.lock(name, ttl=30)
        assert not other.acquire() and not other.is_acquired()
        assert lock.refresh() == 30
    assert other.acquire() and other.release() and not other.release()


def watches(etcd, prefix):
    events, cancel = etcd.watch_prefix(prefix + "/w")
    # The call has returned, so whatever is written from here on must be seen.
    writer = threading.Thread(target=lambda: [etcd.put(f"{prefix}/w/{n}", "v" * (n * 97)) for n in range(100)])
    writer.start()
    for n in range(100):
        event = next(events)
        assert event["kv"]["key"] == f"{prefix}/w/{n}".encode(), event["kv"]["key"]
        assert event["kv"].get("value", b"") == b"v" * (n * 97)
    writer.join()
    etcd.delete(prefix + "/w/1")
    assert next(events)["type"] == "DELETE"
    cancel()

    threading.Timer(0.3, lambda: etcd.put(prefix + "/once", "1")).start()
    assert etcd.watch_once(prefix + "/once", timeout=10)["kv"]["value"] == b"1"
    revision = int(etcd.get(prefix + "/once", metadata=True)[0][1]["mod_revision"])
    etcd.put(prefix + "/once", "2")
    first = etcd.watch_once(prefix + "/once", timeout=10, start_revision=revision)
    assert first["kv"]["value"] == b"1"
    try:
        etcd.watch_once(prefix + "/never", timeout=0.5)
        raise AssertionError("nothing happened, and yet there was an event")
    except exceptions.WatchTimedOut:
        pass


def administration(etcd, _):
    assert etcd.status()["version"] and etcd.status()["leader"]
    members = etcd.members()
    assert [member["name"] for member in members] == ["n1", "n2", "n3"]
    assert all(url.startswith("http") for member in members for url in member["clientURLs"])


def failures(etcd, _):
    grant = {"TTL": 60, "ID": uuid.uuid4().int % 2**62}
    etcd.post(etcd.get_url("/lease/grant"), json=grant)
    try:
        etcd.post(etcd.get_url("/lease/grant"), json=grant)
        raise AssertionError("a lease was granted twice")
    except exceptions.PreconditionFailedError:
        pass
    try:
        etcd.put("", "1")
        raise AssertionError("an empty key was put")
    except exceptions.Etcd3Exception:
        pass


def etcd_encode(text):
    from etcd3gw.utils import _encode

    return _encode(text)


for client in (default_client(host=HOST, port=PORT), Etcd3Client(host=HOST, port=PORT, api_path="/v3/")):
    for check in (keys_and_values, transactions, leases, locks, watches, administration, failures):
        check(client, f"/{uuid.uuid4()}")
        print(f"{client.api_path} {check.__name__}", flush=True)
