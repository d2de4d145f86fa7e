"""Which addresses may be connected to."""

from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.fetcher.web.guard import GuardPolicy, refusal

POLICY = GuardPolicy()
LOOPBACK = GuardPolicy(allowed_networks=(ip_network("127.0.0.0/8"), ip_network("::1/128")))
PRIVATE = ["10.0.0.1", "127.0.0.1", "127.8.8.8", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.168.1.1"]


@pytest.mark.parametrize(
    "ip",
    [
        *PRIVATE,
        "0.0.0.0",
        "0.1.2.3",
        "100.64.0.1",
        "100.100.100.200",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "168.63.129.16",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::2",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "fc00::1",
        "fd12:3456::1",
        "ff02::1",
        "100::1",
        "64:ff9b:1::1",
        "64:ff9b:1:ffff::7f00:1",
        "::ffff:0:127.0.0.1",
        "2002:7f00:1::",
        "2001:db8:ffff::1",
        "2001::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2001:2::1",
        "2001:10::1",
        "2001:20::1",
        "2001:db8::1",
        "3fff::1",
        "5f00::1",
        "4000::1",
    ],
)
def test_what_is_not_public_is_refused(ip):
    """Private, local, multicast, reserved, documentation, benchmark and tunnel addresses, of both families."""
    assert refusal(ip, 80, POLICY) is not None


@pytest.mark.parametrize("ip", ["1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1"])
def test_what_is_public_is_allowed(ip):
    """The rest of the internet may be asked."""
    assert refusal(ip, 443, POLICY) is None


def forms(ip):
    """The IPv6 addresses that stand for an IPv4 one: mapped, compatible, NAT64, 6to4."""
    number = int(IPv4Address(ip))
    return [
        f"::ffff:{ip}",
        str(IPv6Address(number)),
        str(IPv6Address(int(IPv6Address("64:ff9b::")) + number)),
        str(IPv6Address((0x2002 << 112) + (number << 80) + 1)),
    ]


@pytest.mark.parametrize("ip", PRIVATE)
def test_a_private_address_inside_an_ipv6_one_is_refused(ip):
    """A router or the kernel connects to the address inside, so that is the one that counts."""
    assert all(refusal(form, 80, POLICY) for form in forms(ip))


def test_a_public_address_inside_an_ipv6_one_is_allowed():
    """Networks without IPv4 reach it that way."""
    assert [refusal(form, 80, POLICY) for form in forms("8.8.8.8")] == [None] * 4


@pytest.mark.parametrize("port", [22, 25, 5432, 5672, 6379, 0, 8081])
def test_only_the_ports_of_the_web_are_asked(port):
    """A public address does not make a mail server a web site."""
    assert refusal("8.8.8.8", port, POLICY) == f"port {port} is not allowed"


def test_networks_can_be_allowed():
    """In each form of theirs, and they alone."""
    assert [refusal(ip, 80, LOOPBACK) for ip in ("127.0.0.1", "::ffff:127.0.0.1", "::1")] == [None] * 3
    assert refusal("10.0.0.1", 80, LOOPBACK) is not None
    assert refusal("127.0.0.1", 22, LOOPBACK) is not None


def test_networks_can_be_refused():
    """One's own public addresses, in each form of theirs, and before what is allowed."""
    own = ip_network("93.184.216.0/24")
    policy = GuardPolicy(refused_networks=(own,), allowed_networks=(own,))

    assert all(refusal(form, 80, policy) for form in ["93.184.216.34", *forms("93.184.216.34")])
    assert refusal("93.184.217.34", 80, policy) is None


@pytest.mark.parametrize("ip", ["", "localhost", "127.1", "0x7f.0.0.1", "2130706433"])
def test_what_is_no_address_is_refused(ip):
    """The guard sees what is connected to; anything but an address is a fault upstream."""
    assert refusal(ip, 80, POLICY) == f"{ip!r} is not an address"


@given(st.ip_addresses(v=4))
def test_nothing_passes_that_the_standard_library_calls_private(address):
    """Our list may refuse more than Python's idea of private, never less."""
    if not address.is_global or address.is_multicast or address.is_reserved:
        assert refusal(str(address), 80, POLICY) is not None


@given(st.ip_addresses(v=4))
def test_an_address_is_judged_alike_in_every_form(address):
    """No spelling opens what another closes."""
    verdict = refusal(str(address), 80, POLICY) is None

    assert [verdict] * 4 == [refusal(form, 80, POLICY) is None for form in forms(str(address))]
