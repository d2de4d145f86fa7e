"""Content codings undone, within limits."""

import gzip
import zlib
from random import Random

import brotli
import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from services.fetcher.web.codings import MOST_MEMBERS, STEP
from services.fetcher.web.decoding import SLICE, Decoding, DecodingLimits
from shared.errors import PermanentError, TransientError

PAGE = ("<p>Le fleuve monte, le pont reste ouvert.</p>\n" * 50 + "é 中").encode()
LIMITS = DecodingLimits(max_bytes=10 * 2**20, max_ratio=200)


def decode(body, label, limits, size=None):
    """The body fed in chunks of `size`, or in one."""
    decoding = Decoding(label, limits)
    for start in range(0, len(body), size or len(body) or 1):
        for _ in decoding.feed(body[start : start + (size or len(body))]):
            pass
    return decoding.end()


def raw_deflate(data):
    coder = zlib.compressobj(wbits=-15)
    return coder.compress(data) + coder.flush()


CODERS = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "GZIP": gzip.compress,
    "deflate": zlib.compress,
    " deflate ": raw_deflate,
    "br": lambda data: brotli.compress(data, quality=4),
    "zstd": zstd.compress,
    "gzip, gzip": lambda data: gzip.compress(gzip.compress(data)),
    "identity": bytes,
    "": bytes,
}


@pytest.mark.parametrize("label", CODERS)
def test_a_body_comes_out_as_it_went_in(label):
    """Every coding that we accept, and those that servers send all the same, are undone whole."""
    assert decode(CODERS[label](PAGE), label, LIMITS) == (PAGE, False)


def test_brotli_may_begin_like_gzip():
    """With the largest window, a body of such a length has gzip's first two bytes; the third tells them apart."""
    page = (PAGE * 4)[: 0x100 * 21 + 0x8C]
    sent = brotli.compress(page, quality=5, lgwin=24)

    assert sent.startswith(b"\x1f\x8b")
    assert decode(sent, "br", LIMITS) == (page, False)


@pytest.mark.parametrize(("label", "coder"), [("", gzip.compress), ("br", gzip.compress), ("gzip", zstd.compress)])
def test_the_body_is_believed_more_than_its_label(label, coder):
    """A coding that is not said, or said to be another, is known by its first bytes."""
    assert decode(coder(PAGE), label, LIMITS) == (PAGE, False)


@pytest.mark.parametrize("label", ["gzip", "br", "deflate", "zstd", "compress", "exi"])
@pytest.mark.parametrize("body", [PAGE, b"<?xml version='1.0'?><rss/>", b'{"version": 1}', b"\xef\xbb\xbf<rss/>", b""])
def test_a_plain_body_with_a_label_is_taken_as_it_is(label, body):
    """Servers label what they then do not compress."""
    assert decode(body, label, LIMITS) == (body, False)


@pytest.mark.parametrize("label", ["gzip", "deflate", "br", "zstd"])
@given(cut=st.integers(1, 1000))
def test_a_body_that_was_cut_off_is_known_as_such(label, cut):
    """What was lost is the end, and the caller is told; the silence of the usual libraries loses entries."""
    noise = bytes((number * 7919) % 251 for number in range(5000))
    whole = CODERS[label](noise)
    body, truncated = decode(whole[: -min(cut, len(whole) - 8)], label, LIMITS)

    assert truncated
    assert noise.startswith(body)


def test_several_members_are_one_body():
    """Compressed pieces may follow each other."""
    assert decode(gzip.compress(b"a") + gzip.compress(b"b"), "gzip", LIMITS) == (b"ab", False)
    assert decode(zstd.compress(b"a") + zstd.compress(b"b"), "zstd", LIMITS) == (b"ab", False)


def test_what_follows_the_compressed_body_is_left():
    """A server's stray line feed does no harm."""
    assert decode(gzip.compress(PAGE) + b"\r\n", "gzip", LIMITS) == (PAGE, False)


def test_a_damaged_body_is_worth_another_try():
    """A body that turns out wrong after it began well is neither taken nor refused for ever."""
    whole = bytearray(gzip.compress(PAGE * 100))
    whole[-6] ^= 0xFF

    with pytest.raises(TransientError, match="payload"):
        decode(bytes(whole), "gzip", LIMITS)


BOMB = bytes(64 * 2**20)


@pytest.mark.parametrize("label", ["gzip", "deflate", "br", "zstd"])
def test_a_bomb_is_given_up_at_the_limit(label):
    """By its ratio long before its size; without a limit on the ratio by its size."""
    body = CODERS[label](BOMB)
    large, loose = DecodingLimits(max_bytes=2**30, max_ratio=200), DecodingLimits(max_bytes=2**21, max_ratio=1e9)

    with pytest.raises(PermanentError, match="decompression_ratio"):
        decode(body, label, large)
    with pytest.raises(PermanentError, match="too_large"):
        decode(body, label, loose)


def test_a_bomb_in_a_bomb_is_given_up():
    """The second layer has the same limits as the first, and the ratio is to what was sent."""
    with pytest.raises(PermanentError, match="decompression_ratio"):
        decode(gzip.compress(gzip.compress(BOMB)), "gzip", LIMITS)


@pytest.mark.parametrize("label", ["gzip", "deflate", " deflate ", "br", "zstd"])
def test_a_body_of_any_number_of_steps_comes_out_whole(label):
    """Also what a decoder still holds when it has taken in all that there is."""
    for size in (STEP - 1, STEP, *range(STEP + 1, STEP + 300, 7), 3 * STEP):
        assert decode(CODERS[label](bytes(size)), label, LIMITS) == (bytes(size), False)


def test_a_third_coding_stays():
    """Nobody sends that in earnest."""
    inside = gzip.compress(PAGE)

    assert decode(gzip.compress(gzip.compress(inside)), "gzip, gzip, gzip", LIMITS) == (inside, False)


def test_a_flood_of_pieces_is_given_up():
    """Each would cost a decoder of its own, and yield nothing."""
    assert decode(gzip.compress(b"a") * MOST_MEMBERS, "gzip", LIMITS) == (b"a" * MOST_MEMBERS, False)
    with pytest.raises(PermanentError, match="too_large"):
        decode(gzip.compress(b"") * (MOST_MEMBERS + 1), "gzip", LIMITS)


@pytest.mark.parametrize("label", CODERS)
@given(size=st.integers(1, 700), extra=st.sampled_from([b"", b"\r\n", b"\x1f"]))
def test_how_a_body_is_cut_into_pieces_is_of_no_importance(label, size, extra):
    """Networks cut where they like: also inside the first bytes, and between two members."""
    bodies = [CODERS[label](PAGE), CODERS[label](PAGE[:50]) + CODERS[label](PAGE), CODERS[label](b"a") + extra, PAGE]
    for body in bodies:
        assert decode(body, label, LIMITS, size) == decode(body, label, LIMITS)


@pytest.mark.parametrize("text", ["{", "{}", "c", "kk", "[1]", "Hé"])
def test_a_text_that_looks_compressed_is_a_text(text):
    """The first bytes of a bare deflate stream are those of many a text; it must end where the body does."""
    for more in ("", " et le fleuve monte" * 3):
        body = (text + more).encode()
        assert decode(body, "deflate", LIMITS) == (body, False)


def test_a_bomb_ends_with_its_first_bytes():
    """It is not read to its end before it is looked at."""
    body = gzip.compress(bytes(512 * 2**20))
    with pytest.raises(PermanentError, match=r"decompression_ratio|too_large"):
        list(Decoding("gzip", LIMITS).feed(body[:SLICE]))

    assert len(body) > 10 * SLICE


def test_a_large_body_is_decoded_in_steps():
    """Between them others have their turn; a page of the usual size needs none."""
    large = gzip.compress(Random(1).randbytes(2**20))

    assert len(list(Decoding("gzip", LIMITS).feed(large))) >= 2**20 // SLICE
    assert list(Decoding("gzip", LIMITS).feed(gzip.compress(PAGE))) == []


def test_a_short_page_may_compress_as_well_as_it_likes():
    """Below a mebibyte no ratio is held against a page."""
    assert decode(gzip.compress(b"a" * 2**20), "gzip", LIMITS) == (b"a" * 2**20, False)


@given(
    st.binary(max_size=400),
    st.sampled_from([*CODERS, "unknown"]),
    st.sampled_from([b"", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd"]),
)
def test_no_bytes_make_it_fail(noise, label, head):
    """Any bytes under any label give a body or one of our errors."""
    try:
        came_to = type(decode(head + noise, label, LIMITS)[0]).__name__
    except (PermanentError, TransientError) as error:
        came_to = type(error).__name__

    assert came_to in {"bytes", "PermanentError", "TransientError"}
