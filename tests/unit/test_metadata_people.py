"""Names in by-lines, and who of them is a person."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.processor.metadata.people import MAX_AUTHORS, MAX_NAME_CHARACTERS, is_person, names_in, people_in

HOUSES = frozenset({"lelittoral", "rtn"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Par Awa Diop et Jean Mba", ("Awa Diop", "Jean Mba")),
        ("By Nora Whitlock and Sam Adeyemi", ("Nora Whitlock", "Sam Adeyemi")),
        ("Von Jana Weiß und Ole Kern", ("Jana Weiß", "Ole Kern")),
        ("Trine Juhl og Lars Holm", ("Trine Juhl", "Lars Holm")),
        ("Ana Silva e João Costa", ("Ana Silva", "João Costa")),
        ("Awa Diop; Jean Mba, Awa DIOP", ("Awa Diop", "Jean Mba")),
        ("Awa Diop/AFP", ("Awa Diop",)),
        ("بقلم سارة حداد وليلى منصور", ("سارة حداد", "ليلى منصور")),
        ("Diop, Awa", ("Awa Diop",)),
        ("José Ortega y Gasset", ("José Ortega y Gasset",)),
        ("محمد وليد", ("محمد وليد",)),
        ("Anderson Etienne", ("Anderson Etienne",)),
        ("Paris Bylander", ("Paris Bylander",)),
        ("渡辺洋介", ("渡辺洋介",)),
        ("", ()),
    ],
)
def test_a_by_line_is_split_into_names(text, expected):
    """Commas, slashes and the `and` of many languages separate names; what looks like one of them stays in a name."""
    assert expected == people_in([text], HOUSES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Awa Diop, correspondante, Dakar", ("Awa Diop",)),
        ("Awa Diop à Dakar", ("Awa Diop",)),
        ("Awa Diop (obe)", ("Awa Diop",)),
        ("Awa Diop awa@journal.example", ("Awa Diop",)),
        ("Jean de Dieu Mugabo journaliste", ("Jean de Dieu Mugabo",)),
        ("Amy M. Gibbons Political Correspondent", ("Amy M. Gibbons",)),
        ("Jane Doe for The Sample Post", ("Jane Doe",)),
        ("Ein Kommentar von Corinna Budde", ("Corinna Budde",)),
        ("배윤경 기자 bae@journal.example", ("배윤경",)),
        ("Михаил Иванов, корреспондент", ("Михаил Иванов",)),
        ("Dr. Max Koller", ("Dr. Max Koller",)),
        ("Fatou K.", ("Fatou K.",)),
        ("Chief Editor", ()),
        ("Envoyé spécial à Goma", ()),
    ],
)
def test_what_stands_around_a_name_is_no_part_of_it(text, expected):
    """Posts, places, employers, shorthands and addresses are cut off; a by-line of nothing else names nobody."""
    assert expected == people_in([text], HOUSES)


@pytest.mark.parametrize(
    "text",
    [
        "AFP", "dpa", "Reuters", "The Associated Press", "AFP Deutschland", "Sputnik Afrique", "Le Littoral",
        "RTN MATIN", "La Rédaction", "MM-Redaktion", "Littoral News", "Gear Team", "avec agences", "admin", "TPN",
        "littoral.example", "وكالة الأنباء", "https://journal.example/u/7", "@awadiop", "awa@journal.example",
        "user7", "…", "x" * 200,
        "a sentence that is too long to be anybody's name",
    ],
)  # fmt: skip
def test_organisations_and_addresses_are_no_people(text):
    """Agencies, newsrooms, the site under any of its names, handles and links are never authors."""
    assert people_in([text], HOUSES) == ()


@pytest.mark.parametrize("name", ["Sid", "Emily Post", "Christopher Guest", "Bill Press", "Ani Petrosyan"])
def test_people_are_called_like_agencies_and_papers(name):
    """A surname that is also a word of newspapers, and a first name that is also an agency, are somebody's."""
    assert is_person(name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("AWA DIOP", "Awa Diop"), ("O'NEIL KANE-DIOP", "O'Neil Kane-Diop"), ("Awa DIOP", "Awa DIOP"), ("سارة", "سارة")],
)
def test_names_all_in_capitals_get_their_usual_case(name, expected):
    """Capitals throughout are typography; a surname in capitals is how many people write theirs."""
    assert people_in([name]) == (expected,)


def test_a_name_is_given_once_and_not_more_than_twenty():
    """A by-line of a hundred names is a list of something else; its beginning is kept."""
    names = [f"Awa {chr(0x61 + at // 26)}{chr(0x61 + at % 26)}diop" for at in range(100)]

    assert len(people_in([", ".join(names), *names])) == MAX_AUTHORS


@given(st.lists(st.text(max_size=300), max_size=30))
def test_any_text_gives_few_and_short_names(texts):
    """Whatever is written there: nothing is raised, the number and length of names are bounded, each is on one line."""
    people = people_in(texts, HOUSES)

    assert len(people) <= MAX_AUTHORS
    assert all(0 < len(name) <= MAX_NAME_CHARACTERS + 1 and name == " ".join(name.split()) for name in people)


@given(st.sampled_from(["Awa Diop", "Jean Mba", "سارة حداد"]), st.sampled_from(["Par ", "By ", "Von ", "بقلم ", ""]))
def test_a_prefix_changes_no_name(name, prefix):
    """`Par Awa Diop` and `Awa Diop` are the same person."""
    assert names_in(prefix + name) == (name,)
