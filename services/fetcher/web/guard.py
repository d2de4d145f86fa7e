"""Which addresses may be connected to. Pure.

`ipaddress.is_global` is not enough: it takes multicast, IPv4 addresses inside IPv6 ones and several reserved blocks for
public. So IPv4 has an explicit list of what is refused, and of IPv6 only global unicast space is accepted, less a list.
"""

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

WEB_PORTS = frozenset({80, 443, 8080, 8443})

_REFUSED_V4 = tuple(
    IPv4Network(block)
    for block in (
        "0.0.0.0/8",  # this network; Linux connects 0.0.0.0 to itself
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT, cloud metadata of some
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # the host of Azure's machines
        "169.254.0.0/16",  # link-local, cloud metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
_GLOBAL_V6 = IPv6Network("2000::/3")
_REFUSED_V6 = tuple(
    IPv6Network(block)
    for block in (
        "2001::/23",  # protocol assignments: Teredo, benchmarks, ORCHID
        "2001:db8::/32",  # documentation
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)
_TRANSLATED = IPv6Network("64:ff9b::/96")
_COMPATIBLE = IPv6Network("::/96")


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardPolicy:
    """`allowed_networks` are connected to although they are not public, `refused_networks` are not although they are.

    `allowed_ports` are the only ones.
    """

    allowed_networks: tuple[Network, ...] = ()
    refused_networks: tuple[Network, ...] = ()
    allowed_ports: frozenset[int] = WEB_PORTS


def refusal(ip: str, port: int, policy: GuardPolicy) -> str | None:
    """Why a connection to this address must not be made; None when it may."""
    try:
        address = ip_address(ip.partition("%")[0])
    except ValueError:
        return f"{ip!r} is not an address"
    if port not in policy.allowed_ports:
        return f"port {port} is not allowed"
    judged = _inside(address) or address
    if _is_in(policy.refused_networks, address, judged):
        return f"{ip} is in a network that the operator refuses"
    if _is_in(policy.allowed_networks, address, judged):
        return None
    return f"{ip} is not a public address" if _is_refused(judged) else None


def _is_in(networks: tuple[Network, ...], *forms: Address) -> bool:
    return any(form in network for form in forms for network in networks)


def _inside(address: Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 one stands for, where the kernel or a router may connect to that instead."""
    if isinstance(address, IPv4Address):
        return None
    if address in _TRANSLATED or address in _COMPATIBLE:
        return IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour


@lru_cache(maxsize=10_000)
def _is_refused(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return any(address in block for block in _REFUSED_V4)
    return address not in _GLOBAL_V6 or any(address in block for block in _REFUSED_V6)
