"""Marks of rights in headers and in robots.txt."""

import pytest

from services.fetcher.hosts.robotstxt import Robots
from services.fetcher.pages.rights import AI_AGENTS, LONGEST_MARK, MOST_MARKS, rights

PAGE = "https://site.example/private/page"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, ()),
        ({"x-robots-tag": "noai, noimageai"}, ("x-robots-tag: noai", "x-robots-tag: noimageai")),
        ({"x-robots-tag": "NoIndex, follow, max-snippet: 20"}, ("x-robots-tag: noindex",)),
        ({"x-robots-tag": "googlebot: noindex, noai"}, ("x-robots-tag: googlebot: noindex", "x-robots-tag: noai")),
        ({"x-robots-tag": "noai, noai"}, ("x-robots-tag: noai",)),
        ({"x-robots-tag": "all"}, ()),
        ({"tdm-reservation": "1", "tdm-policy": "https://s.example/tdm.json"},
         ("tdm-reservation: 1", "tdm-policy: https://s.example/tdm.json")),
        ({"tdm-reservation": " 0 "}, ()),
        ({"content-usage": "train-ai=n"}, ("content-usage: train-ai=n",)),
        ({"link": '</a.css>; rel=preload, <https://s.example/terms.xml>; type="application/rsl+xml"; rel="license"'},
         ("license: https://s.example/terms.xml",)),
        ({"link": "<https://s.example/license>; rel=next"}, ()),
        ({"link": "<" * 5_000_000 + "/terms>; rel=license"}, ()),
        ({"link": "<" * 50_000 + "/terms>; rel=license"}, ("license: /terms",)),
        ({"link": "<https://s.example/terms>" + "; rel=" * 1_000_000 + "license"}, ()),
    ],
)  # fmt: skip
def test_marks_of_rights_are_kept_as_said(headers, expected):
    """What reserves something is recorded word for word; what permits is not."""
    assert expected == rights(headers)


def test_robots_txt_can_carry_a_mark_too():
    """Content-Signal lines stand beside the rules."""
    robots = Robots.parse(200, "User-agent: *\nContent-Signal: search=yes, ai-train=no # why\nAllow: /")

    assert rights({}, robots) == ("robots.txt: content-signal: search=yes, ai-train=no",)


def test_robots_of_language_models_that_may_not_have_the_page_are_named():
    """Only where the file has rules for them that forbid this page."""
    robots = Robots.parse(200, "User-agent: GPTBot\nUser-agent: ccbot\nDisallow: /private\n\nUser-agent: *\nAllow: /")

    assert rights({}, robots, PAGE) == ("robots.txt: disallows CCBot, GPTBot",)
    assert rights({}, robots, "https://site.example/public") == ()


def test_all_of_them_fit_into_one_mark():
    """A file may name each."""
    text = "".join(f"User-agent: {each}\n" for each in AI_AGENTS) + "Disallow: /"

    assert rights({}, Robots.parse(200, text), PAGE) == (f"robots.txt: disallows {', '.join(AI_AGENTS)}",)


def test_a_mark_has_a_longest_length():
    """A header may have any."""
    (mark,) = rights({"tdm-policy": "x" * 10_000})

    assert len(mark) == LONGEST_MARK


def test_marks_are_few():
    """A file may say as much as it likes; an event cannot carry it all."""
    text = "".join(f"Content-Signal: a{number}=no\n" for number in range(1000))

    assert len(rights({}, Robots.parse(200, text))) == MOST_MARKS


def test_a_file_may_name_its_licence():
    """As the header may."""
    robots = Robots.parse(200, "License: https://s.example/terms.xml\nUser-agent: *\nAllow: /")

    assert rights({}, robots) == ("robots.txt: license: https://s.example/terms.xml",)
