"""Site profiles: what each reads on a page in the structure of its site, and what becomes of faulty ones."""

import json
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from services.processor.config import ProcessorSettings
from services.processor.extraction import extract
from services.processor.model import Article, NotAnArticle, Source
from services.processor.page.facts import facts_of
from services.processor.page.tree import tree_of
from services.processor.profiles.applying import reading_of
from services.processor.profiles.loading import SHIPPED, InvalidProfiles, Profiles, load_profiles, shipped_profiles
from services.processor.profiles.schema import Profile
from services.processor.profiles.selecting import UNSEEN_TAGS, lines_of
from services.processor.text.lines import Why, kept
from shared.config import InvalidSettings, load
from shared.messages import EntryFacts

PAGES = Path(__file__).parents[1] / "data" / "profiles"
FOUND = sorted(PAGES.glob("*/*.html"))
NAMES = [f"{path.parent.name}-{path.stem}" for path in FOUND]
HOST = "site.example"
URL = f"https://{HOST}/2026/pluie-1.html"
SENTENCE = "La pluie est revenue dans la nuit sur le plateau, et les semis ont commencé."
MINIMAL = """
hosts: [site.example]
container: .body
blocks: [p, h2]
lede: .lede
drop: .promo
"""


def profiles_of(said=MINIMAL, *, folder, name="site"):
    """The shipped profiles and one written in `folder`."""
    (folder / f"{name}.yaml").write_text(said, encoding="utf-8")
    return load_profiles(folder)


def shipped(name):
    """The shipped profile of this name, for the host of the test pages."""
    profile = next(profile for profile in shipped_profiles().by_host.values() if profile.name == name)
    return Profiles(by_host={HOST: profile.model_copy(update={"hosts": (HOST,)})})


def read(page, profiles, url=URL):
    tree = tree_of(page)
    return reading_of(tree, facts_of(tree, url), profiles)


def page(body, *, top=""):
    return f"<html><head><title>Pluie</title></head><body>{top}<div class='body'>{body}</div></body></html>"


def plain(reading):
    """A reading as the expectations write it."""
    stated = reading.stated
    return {
        "headline": stated.headline,
        "lede": reading.lede,
        "paragraphs": list(kept(reading.lines)),
        "related": [[link.url, link.title] for link in stated.related],
        "images": [[image.url, image.caption, image.credit] for image in stated.images],
        "authors": list(stated.authors),
        "published": stated.published,
        "tags": list(stated.tags),
        "form": stated.form,
    }


def source(body, url=URL):
    facts = EntryFacts(identity="1", url=url)
    return Source(kind="fetched", url=url, body=body, content_type=None, entry=facts, feed_language=None, section=None)


def expected_of(path):
    return json.loads(path.with_suffix(".expected.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", FOUND, ids=NAMES)
def test_a_page_gives_exactly_what_is_written_beside_it(path):
    """A profile's test page gives its headline, lede, paragraphs, links and pictures, and nothing else of the page."""
    reading = read(path.read_text(encoding="utf-8"), shipped(path.parent.name))

    assert reading is not None
    assert plain(reading) == expected_of(path)
    assert {line.voice for line in reading.lines} == {f"profile:{path.parent.name}"}


@pytest.mark.parametrize("path", FOUND, ids=NAMES)
def test_the_article_of_a_page_is_what_its_profile_read(path):
    """Headline, lede and text reach the article as they are; the text says who read it, and by which version."""
    profiles, expected = shipped(path.parent.name), expected_of(path)

    article = extract(source(path.read_bytes()), profiles)

    assert isinstance(article, Article)
    assert (article.lede, list(article.paragraphs)) == (expected["lede"], expected["paragraphs"])
    assert expected["headline"] in {article.headline, None}
    assert [link.title for link in article.related] == [title for _, title in expected["related"]]
    assert article.form == (expected["form"] or "article")
    assert article.fields["text"] == f"profile:{path.parent.name}"
    assert article.extractor.endswith(f"+profile:{path.parent.name}/{profiles.by_host[HOST].version}")


def test_every_shipped_profile_has_a_test_page():
    """A profile without a page of its structure is not tested."""
    assert {path.stem for path in SHIPPED.glob("*.yaml")} == {path.parent.name for path in FOUND}


def test_a_heading_that_holds_the_lede_is_not_the_headline():
    """On ria.ru the only h1 is the second title; the headline is the block that is named as such."""
    path = PAGES / "ria" / "article-russian.html"

    article = extract(source(path.read_bytes()), shipped("ria"))

    assert isinstance(article, Article)
    assert article.headline == "В порту Басоло открыли зерновой терминал"


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("fr.sputniknews.africa", "ria"),
        ("sputnikglobe.com", "ria"),
        ("crimea.ria.ru", "ria"),
        ("www.rfi.fr", "france-medias-monde"),
        ("www.france24.com", "france-medias-monde"),
        ("www.lemonde.fr", "lemonde"),
        ("www.francetvinfo.fr", "franceinfo"),
        ("www.bbc.com", "bbc"),
        ("fr.africanews.com", "africanews"),
        ("news.un.org", "un-news"),
        ("un.org", None),
        ("notria.ru", None),
        ("ria.ru.example", None),
    ],
)
def test_a_profile_is_for_its_hosts_and_what_is_below_them(host, name):
    """A subdomain is meant with its host; a host that only looks alike is not."""
    found = shipped_profiles().of(host)

    assert (found.name if found else None) == name


def test_the_longest_known_ending_of_a_host_counts(tmp_path):
    """A profile for a subdomain goes before that of the domain."""
    profiles_of(MINIMAL, folder=tmp_path)
    profiles = profiles_of(MINIMAL.replace("site.example", "live.site.example"), folder=tmp_path, name="live")

    found = [profiles.of(host) for host in ("www.live.site.example", "www.site.example")]

    assert [profile.name for profile in found if profile] == ["live", "site"]


@pytest.mark.parametrize("path", sorted((PAGES / "ria").glob("*.html")), ids=lambda path: path.stem)
def test_a_system_is_recognised_on_a_host_that_is_not_listed(path):
    """RIA's and Sputnik's pages are exact on a new host of theirs; their old pages have nothing that tells them."""
    reading = read(path.read_text(encoding="utf-8"), shipped_profiles())

    assert (reading is None) == (path.stem == "old-french")
    assert reading is None or plain(reading) == expected_of(path)


def test_own_profiles_win(tmp_path):
    """An operator's profile replaces the shipped one of its name, and takes its hosts from any other."""
    profiles_of(MINIMAL.replace("site.example", "ria.ru"), folder=tmp_path, name="mine")
    profiles = profiles_of(MINIMAL.replace("site.example", "rfi.fr"), folder=tmp_path, name="france-medias-monde")

    assert profiles.by_host["ria.ru"].name == "mine"
    assert profiles.by_host["ukraina.ru"].name == "ria"
    assert profiles.by_host["rfi.fr"].container == (".body",)
    assert profiles.of("www.france24.com") is None


def test_profiles_cross_to_another_process(tmp_path):
    """Workers get them with each page."""
    profiles = profiles_of(folder=tmp_path)

    assert pickle.loads(pickle.dumps(profiles)) == profiles


def test_the_version_is_of_what_is_read(tmp_path):
    """Another selector is another version, so that no text looks corrected; another host is none."""
    first, more, other = (
        profiles_of(said, folder=tmp_path).by_host["site.example"].version
        for said in (MINIMAL, MINIMAL.replace("[site", "[b.example, site"), MINIMAL.replace("h2", "h3"))
    )

    assert first == more != other


@pytest.mark.parametrize(
    ("said", "faults"),
    [
        ("hosts: [a.example", ["cannot be read as YAML", "line 1"]),
        ("- a.example", ["holds no keys", "hosts, container and blocks"]),
        (MINIMAL + "drop: .more", ["the key drop is there twice", "line 7"]),
        (MINIMAL + "contaner: .x", ["contaner: is no key of a profile", "container"]),
        (MINIMAL + "name: site", ["name: is the name of the file"]),
        (MINIMAL + "1: x", ["1: is no key of a profile"]),
        (MINIMAL.replace("blocks: [p, h2]", ""), ["blocks: is missing"]),
        (MINIMAL.replace(".body", "'p['"), ["container.0: 'p[' is no CSS selector"]),
        (MINIMAL.replace(".body", "p::before"), ["container.0: 'p::before' is no CSS selector"]),
        (MINIMAL.replace(".body", "[]"), ["container: needs one at least"]),
        (MINIMAL.replace(".body", "{p: a}") + "figures: p", ["container: takes one text", "figures: takes keys"]),
        (MINIMAL.replace("site.example", "https://site.example/"), ["hosts.0: 'https://site.example/' is no host"]),
        (MINIMAL.replace("site.example", "site.example, site.example"), ["hosts: site.example is in site.yaml too"]),
        (MINIMAL + "figures: {caption: p}", ["figures.figure: is missing"]),
        (MINIMAL + "figures: {figure: p, legend: p}", ["figures.legend: is no key here", "docs/profiles.md"]),
        (MINIMAL + "forms: {liveblog: .x}", ["forms.liveblog", "'live_blog'"]),
        (MINIMAL + "minimum_characters: 0", ["minimum_characters: "]),
        (
            MINIMAL.replace("container: .body", "container: .a:b(").replace("lede", "lead"),
            ["container.0", "lead: is no"],
        ),
    ],
)
def test_a_faulty_profile_is_refused_with_its_reason(tmp_path, said, faults):
    """The message names the file, the key, what is wrong and what would be right; all faults at once."""
    with pytest.raises(InvalidProfiles) as refused:
        profiles_of(said, folder=tmp_path)

    assert all(fault in str(refused.value) for fault in faults)
    assert all("site.yaml: " in line for line in str(refused.value).splitlines())


def test_a_host_belongs_to_one_profile_of_a_folder(tmp_path):
    """Which of two would read its pages is nothing to guess."""
    profiles_of(folder=tmp_path)

    with pytest.raises(InvalidProfiles, match=r"two\.yaml: hosts: site\.example is in site\.yaml too"):
        profiles_of(folder=tmp_path, name="two")


def test_a_name_that_the_store_cannot_hold_is_refused(tmp_path):
    """A profile is called by its file."""
    with pytest.raises(InvalidProfiles, match=r"My Site\.yaml: the file's name is the profile's"):
        profiles_of(folder=tmp_path, name="My Site")


def test_a_service_does_not_start_with_a_faulty_profile(tmp_path, monkeypatch):
    """The setting is refused with the profile's fault; so is a folder that does not exist."""
    (tmp_path / "site.yaml").write_text("hosts: [site.example]", encoding="utf-8")
    for folder, fault in ((tmp_path, "site.yaml: container: is missing"), (tmp_path / "no", "is no folder")):
        monkeypatch.setenv("PROCESSOR_PROFILES_DIR", str(folder))

        with pytest.raises(InvalidSettings, match=rf"PROCESSOR_PROFILES_DIR: .*{fault}"):
            load(ProcessorSettings, {})


def test_a_page_of_another_host_has_no_profile(tmp_path):
    """A structure that looks the same at another site is the general path's."""
    assert read(page(f"<p>{SENTENCE}</p>"), profiles_of(folder=tmp_path), "https://other.example/1") is None


def test_a_page_without_the_container_is_read_as_any_other(tmp_path):
    """A site that changed its templates loses nothing."""
    body = page(f"<p>{SENTENCE}</p>" * 5).replace("class='body'", "class='content'")

    assert read(body, profiles_of(folder=tmp_path)) is None


def test_blocks_that_hold_little_of_the_container_are_not_trusted(tmp_path):
    """A site that renamed its paragraphs is read as any other."""
    body = page(f"<p>{SENTENCE}</p>" + f"<div>{SENTENCE}</div>" * 2)

    assert read(body, profiles_of(folder=tmp_path)) is None


def test_what_is_dropped_does_not_count_against_the_blocks(tmp_path):
    """One paragraph among cards and advertisements is a bulletin, not a changed template."""
    body = page(f"<p>{SENTENCE}</p>" + f"<div class='promo'>{SENTENCE}</div>" * 9)

    reading = read(body, profiles_of(folder=tmp_path))

    assert reading is not None
    assert kept(reading.lines) == (SENTENCE,)


def test_a_few_words_are_no_reading(tmp_path):
    """Less than the least that a profile names is left to the general path."""
    assert read(page("<p>Pas de texte.</p>"), profiles_of(folder=tmp_path)) is None


def test_a_lede_alone_is_the_text(tmp_path):
    """A page with a lede above an empty body is a bulletin of one sentence."""
    reading = read(page("", top=f"<p class='lede'>{SENTENCE}</p>"), profiles_of(folder=tmp_path))

    assert reading is not None
    assert (kept(reading.lines), reading.lede) == ((SENTENCE,), None)


def test_a_headline_inside_of_the_text_is_left_out(tmp_path):
    """Some templates mark the headline as one of the text's blocks."""
    body = page(f"<h2 class='title'>La pluie est là</h2><p>* * *</p><p hidden>Caché</p><p>{SENTENCE}</p>")

    reading = read(body, profiles_of(MINIMAL + "headline: .title", folder=tmp_path))

    assert reading is not None
    assert (reading.stated.headline, kept(reading.lines)) == ("La pluie est là", (SENTENCE,))


def test_a_text_that_is_nothing_but_its_headline_stays(tmp_path):
    """An article without any text would say nothing."""
    reading = read(
        page(f"<h2 class='title'>{SENTENCE}</h2>"), profiles_of(MINIMAL + "headline: .title", folder=tmp_path)
    )

    assert reading is not None
    assert kept(reading.lines) == (SENTENCE,)


def test_what_only_the_profile_points_at_reaches_the_article(tmp_path):
    """Section, tags, authors and times that the page states nowhere else come from the profile, and say so."""
    said = """
authors: .by b
published: {element: time, attribute: data-at}
modified: {element: .changed}
section: [.none, .section]
tags: .tag
"""
    top = (
        "<p class='by'>Par <b>Awa Diop</b> et <b>Jean Mba</b></p><time data-at='1785331140'>mercredi</time>"
        "<i class='changed' datetime='2026-07-29T15:00:00+00:00'></i><i class='section'>Climat</i>"
        "<i class='tag'>pluie</i><i class='tag'>mil</i><i class='tag'>pluie</i>"
    )

    found = extract(source(page(f"<p>{SENTENCE}</p>", top=top).encode()), profiles_of(MINIMAL + said, folder=tmp_path))

    assert isinstance(found, Article)
    assert (found.authors, found.section, found.tags) == (("Awa Diop", "Jean Mba"), "Climat", ("pluie", "mil"))
    assert [moment and moment.at.isoformat() for moment in (found.published, found.modified)] == [
        "2026-07-29T13:19:00+00:00",
        "2026-07-29T15:00:00+00:00",
    ]
    assert {found.fields[field] for field in ("section", "tags", "modified", "text")} == {"profile:site"}


def test_a_text_of_nothing_but_offers_is_a_paywall(tmp_path):
    """A paid page that shows no word of its article is none, whatever its container."""
    said = "Cet article est réservé aux abonnés."
    paid = "<meta property='article:content_tier' content='locked'>"

    found = extract(source(page(f"<p>{said}</p>" * 2, top=paid).encode()), profiles_of(folder=tmp_path))

    assert isinstance(found, NotAnArticle)
    assert found.reason == "paywall"


@pytest.mark.parametrize(
    ("body", "paragraphs", "lede"),
    [
        (f"<p>{SENTENCE}</p><p>Au marché, le mil baisse.</p>", ("Au marché, le mil baisse.",), SENTENCE),
        (f"<p>{SENTENCE.upper()}</p>", (SENTENCE.upper(),), None),
    ],
    ids=["repeated", "alone"],
)
def test_a_lede_is_not_said_twice(tmp_path, body, paragraphs, lede):
    """The text does not repeat the lede, unless it says nothing else."""
    reading = read(page(body, top=f"<p class='lede'>{SENTENCE}</p>"), profiles_of(folder=tmp_path))

    assert reading is not None
    assert (kept(reading.lines), reading.lede) == (paragraphs, lede)


def test_a_line_that_is_only_a_link_of_the_site_is_related(tmp_path):
    """It is shown as dropped and given as a link; a link to another site, or inside of a sentence, stays text."""
    body = page(
        f"<p>{SENTENCE}</p><p><a href='/mil-2'>Lire aussi : Le mil baisse</a></p>"
        "<p><a href='https://other.example/'>Le rapport</a></p><p>Voir <a href='/x'>le dossier</a>.</p>"
    )

    reading = read(body, profiles_of(folder=tmp_path))

    assert reading is not None
    assert kept(reading.lines) == (SENTENCE, "Le rapport", "Voir le dossier.")
    assert [(line.text, line.dropped) for line in reading.lines][1] == ("Lire aussi : Le mil baisse", Why.RELATED)
    assert [(link.url, link.title) for link in reading.stated.related] == [(f"https://{HOST}/mil-2", "Le mil baisse")]


def test_a_broken_selector_shows_in_the_test_page(tmp_path):
    """The pages hold each part of a profile: one that no longer finds the quotes gives another text."""
    said = (SHIPPED / "ria.yaml").read_text(encoding="utf-8").replace(".article__quote-text", ".article__quotation")
    broken = profiles_of(said, folder=tmp_path, name="ria").of("ria.ru")
    path = PAGES / "ria" / "long-french.html"

    assert broken is not None
    reading = read(path.read_text(encoding="utf-8"), Profiles(by_host={HOST: broken}))

    assert reading is not None
    assert set(expected_of(path)["paragraphs"]) - set(kept(reading.lines)) == {
        "Nous attendions ce quai depuis vingt ans, et nous l'avons bâti en deux saisons sèches."
    }


WORDS = st.text(alphabet="abcé ", max_size=8)
TAGS = st.sampled_from(["p", "b", "td", "li", "br", "div", *sorted(UNSEEN_TAGS)])
TREES = st.recursive(
    WORDS,
    lambda inner: st.builds(
        lambda tag, parts: f"<{tag}>" if tag == "br" else f"<{tag}>{'<!-- x -->'.join(parts)}</{tag}>",
        TAGS,
        st.lists(inner, max_size=4),
    ),
    max_leaves=20,
)


@given(TREES)
def test_lines_hold_the_visible_letters_in_their_order(markup):
    """The lines say what stands outside of unseen elements, once and in order, and none is empty."""
    element = html.fragment_fromstring(markup, create_parent="div")
    visible = "".join(element.xpath(f"//text()[not({' or '.join(f'ancestor::{tag}' for tag in UNSEEN_TAGS)})]"))

    lines = lines_of(element)

    assert "".join("".join(lines).replace("|", "").split()) == "".join(visible.split())
    assert all(line == line.strip() != "" for line in lines)


def test_every_key_is_explained():
    """The page about profiles has a row for each key."""
    said = (Path(__file__).parents[2] / "docs" / "profiles.md").read_text(encoding="utf-8")
    rows = {key for row in said.splitlines() if row.startswith("| `") for key in row.split("|")[1].split("`")[1::2]}

    assert set(Profile.model_fields) - {"name"} <= rows


def test_the_documented_profile_is_valid(tmp_path):
    """What the page shows can be taken as a start."""
    said = (Path(__file__).parents[2] / "docs" / "profiles.md").read_text(encoding="utf-8")

    profiles = profiles_of(said.split("```yaml\n")[1].split("```")[0], folder=tmp_path, name="news")

    assert profiles.of("www.news.example") is not None
