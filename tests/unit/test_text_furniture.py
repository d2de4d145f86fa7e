"""Lines that belong to a site, by their words: each rule with what goes, and look-alikes that stay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.processor.text.body import without_head
from services.processor.text.byline import credits_work, is_biography, is_byline
from services.processor.text.furniture import is_date, is_furniture, rule_of, without_furniture
from services.processor.text.lines import Line, Why, kept

GOES = {
    "subscribe": (
        "Sign up for our newsletter", "Subscribe to our emails and never miss a story", "Subscribe now",
        "Get the latest news from the coast in your inbox.", "Join our WhatsApp channel", "Abonnez-vous",
        "S'abonner", "Recevez chaque matin notre newsletter", "Inscrivez-vous à la lettre d'information du soir",
        "Jetzt abonnieren", "Melden Sie sich für unseren Newsletter an", "Suscríbete a nuestro boletín",
        "Receba a newsletter do porto", "Iscriviti alla newsletter", "Schrijf je in voor de nieuwsbrief",
        "Zapisz się na nasz newsletter", "Подпишитесь на нашу рассылку", "اشترك في النشرة البريدية",
    ),
    "follow": (
        "Follow us on Facebook", "Follow the Coast Herald on Google News", "Suivez-nous sur WhatsApp",
        "Suivez la Gazette du Sud sur Telegram", "Folgen Sie uns auf Instagram", "Síguenos en Twitter",
        "Seguici su Facebook", "Volg ons op Instagram", "Follow us", "تابعونا على فيسبوك",
    ),
    "share": (
        "Share this article", "Share on Facebook", "Partager", "Partager cet article", "Teilen", "Compartir",
        "Condividi", "Udostępnij", "Поделиться", "شارك المقال", "分享到", "Facebook | Twitter | WhatsApp",
    ),
    "counts": (
        "3 comments", "Comments (12)", "Commentaires", "Leave a comment", "Laisser un commentaire",
        "4 min read", "Temps de lecture : 3 min", "Lesezeit: 2 Minuten", "Просмотров: 28", "Lu 34 fois",
    ),
    "advertisement": (
        "Advertisement", "Publicité", "La suite après cette publicité", "Anzeige", "Publicidad", "Реклама", "إعلان",
        "Article continues below", "Lire la suite",
    ),
    "labelled": (
        "Tags: port, maïs", "Mots-clés : pluie, semis", "Теги: порт", "（责任编辑：王婧）", "Schlagworte: Hafen",
    ),
    "notice": (
        "Заметили ошибку? Выделите её", "Spotted an error? Tell us", "redaction@journal.example",
        "A post shared by Awa (@awa)", "Download our app", "Fehler gefunden? Jetzt melden.",
    ),
    "credit": (
        "© Agence du Quai 2026", "Photo: Awa Diop", "Crédit photo : Jean Mba", "Фото: Иван Петров", "Bild: dpa",
        "Tous droits réservés", "Copyright 2026 The Coast Herald",
    ),
    "time": (
        "13:19 29.07.2026", "29.07.2026 13:19", "Publié le 3 mars 2026 à 10h15", "Updated: March 3, 2026",
        "Mis à jour le 03/03/2026", "Aktualisiert am 28.04.2026", "Опубликовано 12.03.2026",
        "آخر تحديث: 12/03/2026 10:15",
    ),
    "void": ("* * *", "|---|---|", "—", "•"),
}  # fmt: skip
STAYS = (
    "Sign up for the race closed on Monday, and two hundred runners had paid by then.",
    "Join the queue at dawn, say those who sell their maize here every week.",
    "Get out early, the farmers say.",
    "Subscribe to the theory or not, the numbers are what they are in the whole of the north.",
    "Abonnés au marché depuis vingt ans, ils n'ont jamais vu pareille foule.",
    "Recevez-vous encore des nouvelles du village ?",
    "Suivez le fleuve jusqu'au pont, disait-on aux voyageurs.",
    "Follow the river on foot to the ford.",
    "Hier soll ein Kanal gebaut werden.",
    "Partager la terre reste un devoir, selon les anciens.",
    "Teilen wollen sie nicht.",
    "Comments by the minister caused a storm on Friday.",
    "Reading time is a luxury here.",
    "Publicité mensongère : le fabricant condamné à payer.",
    "Photos of the flood were shown to the court.",
    "Photo de famille au palais après le sommet",
    "Published poets are rare in the valley.",
    "Tags on the walls of the harbour date from the strike.",
    "The post office appeared first on the list.",
    "À 13:19, le 29.07.2026 restera dans les mémoires.",
    "(AFP)",
    "DAKAR (Agence du Quai) - La pluie est revenue.",
    "1960",
    "Une sortie en mer",
)


@pytest.mark.parametrize(("rule", "line"), [(rule, line) for rule, lines in GOES.items() for line in lines])
def test_a_sites_own_lines_go(rule, line):
    """Calls, rows of buttons, counts, labels, credits and time stamps are told, in a list too."""
    assert rule_of(line) == rule
    assert rule_of(f"- {line}") == rule


@pytest.mark.parametrize("line", STAYS)
def test_sentences_that_begin_alike_stay(line):
    """What only begins like a call, a credit or a date is text."""
    assert not is_furniture(line)


@pytest.mark.parametrize(
    "line", ["29 July 2026", "Mardi 3 mars 2026", "2026年1月14日 01時28分", "3.03.2026", "March 3, 2026"]
)
def test_a_date_alone_is_a_date(line):
    """A date with nothing beside it stands above or below a text."""
    assert is_date(line)


@pytest.mark.parametrize(
    "line", ["La pluie de mars 2026 a surpris", "2026", "Article 12", "1960-2026 : une vie", "12 navires"]
)
def test_a_number_is_no_date(line):
    """A line that says more than a date, or less, is text."""
    assert not is_date(line)


def test_rules_never_take_most_of_a_text():
    """Rules that would drop more than 40 % of a text of some length are wrong about it and drop nothing."""
    credit, text = Line(text="Photo: Awa Diop, agence"), Line(text="La pluie est revenue sur le plateau. " * 4)

    assert kept(without_furniture([*[credit] * 20, text])) == (*[credit.text] * 20, text.text)
    assert kept(without_furniture([credit, text, credit, text, text, text])) == (text.text,) * 4


def test_a_bulletin_may_have_more_furniture_than_text():
    """Two sentences under a credit, a date and a call to subscribe lose these all the same."""
    lines = [
        Line(text=text) for text in ("13:19 29.07.2026", "© Agence du Quai 2026", "S'abonner", "Le port a rouvert.")
    ]

    assert kept(without_furniture(lines)) == ("Le port a rouvert.",)


@given(st.lists(st.text(max_size=300), max_size=8))
def test_furniture_only_marks(texts):
    """Whatever the lines are, none is lost, moved or changed; some are marked."""
    lines = [Line(text=text) for text in texts]

    found = without_furniture(lines)

    assert [line.text for line in found] == texts
    assert {line.dropped for line in found} <= {None, Why.FURNITURE}


@pytest.mark.parametrize(
    "line",
    ["Awa Diop", "Par Awa Diop", "By Awa Diop and Jean Mba", "Awa Diop, Bassolo", "Von Anna Sommer, Frankfurt",
     "By Jo Doe / THE COAST HERALD", "بقلم: أوا ديوب", "Text: Anna Sommer", "AWA DIOP"],
)  # fmt: skip
def test_names_of_authors_are_bylines(line):
    """A line of known names, or of any names after `by`, says who wrote."""
    assert is_byline(line, ["Awa Diop", "Jean Mba"])


@pytest.mark.parametrize(
    "line",
    ["Awa Diop a ouvert le bal devant deux cents personnes", "By Friday the water had gone.", "Par la route du nord",
     "Le port de Bassolo", "Awa", "Diop", "By Friday the ferry will sail again"],
)  # fmt: skip
def test_sentences_with_names_are_no_bylines(line):
    """A name in a sentence, a lone surname and what else follows `by` are text."""
    assert not is_byline(line, ["Awa Diop", "Jean Mba"])


def test_an_agencys_sign_is_no_byline():
    """An agency that is stated as author signs its text; that line is part of it."""
    assert not is_byline("(AFP)", ["AFP"])


def test_who_reported_and_edited_is_told_from_an_agencys_sign():
    """`Reporting by …` signs a text below it; `(AFP)` is part of it."""
    assert credits_work("Reporting by Awa Diop in Bassolo; Editing by Jo Doe")
    assert credits_work("(Additional reporting by Jean Mba)")
    assert not credits_work("(AFP)")
    assert not credits_work("Reporting from the front is dangerous, she said.")


def test_a_biography_presents_an_author():
    """What says that an author of the text is a journalist is no news; what it says of others may be."""
    assert is_biography("Awa Diop est journaliste à Bassolo.", ["Awa Diop"])
    assert is_biography("Jo Doe is a senior reporter who covers ports.", ["Jo Doe"])
    assert not is_biography("Jo Doe is a senior reporter who covers ports.", ["Awa Diop"])
    assert not is_biography("Awa Diop est revenue au village.", ["Awa Diop"])


SENTENCES = (
    "La pluie est revenue dans la nuit sur le plateau, et les premiers semis ont commencé dès l'aube.",
    "Les anciens parlaient d'un retard de trois semaines ; il aura fallu attendre la nouvelle lune.",
    "Au marché, le prix du mil a aussitôt baissé, sans que les vendeuses y trouvent à redire.",
    "Le fleuve, lui, n'a pas encore bougé, disent ceux qui le mesurent.",
    "Demain, les écoles rouvrent.",
)


def test_bylines_and_dates_go_from_both_ends_only():
    """An author's name and a date are cut above and below a text; inside of it they are text."""
    inside = (*SENTENCES[:3], *SENTENCES, "Awa Diop", "3 mars 2026", *SENTENCES)
    lines = [Line(text=text) for text in ("Par Awa Diop", "3 mars 2026", *inside, "Awa Diop", "Reporting by Jo Doe")]

    marked, _ = without_head(lines, ["Sous la pluie"], None, ["Awa Diop"])

    assert kept(marked) == inside
    assert {line.dropped for line in marked} == {None, Why.BYLINE}


def test_a_lede_of_several_paragraphs_goes_from_the_head():
    """Paragraphs that are parts of the lede are not repeated in the text."""
    lines = [Line(text=text) for text in SENTENCES]

    marked, lede = without_head(lines, [], f"{SENTENCES[0]} {SENTENCES[1]}")

    assert kept(marked) == SENTENCES[2:]
    assert {line.dropped for line in marked} == {None, Why.LEDE}
    assert lede == f"{SENTENCES[0]} {SENTENCES[1]}"


def test_a_first_line_without_spaces_is_as_long_as_its_characters():
    """Above a headline in Chinese only what is short is cut: a paragraph there is one word to who counts spaces."""
    first, second = "新港口昨天正式开放，第一艘船已经靠岸，卸下了一万二千吨玉米。", "工人们说，工作比以前快得多。"

    marked, _ = without_head([Line(text=text) for text in (first, "新港口", second)], ["新港口"], None)

    assert kept(marked) == (first, second)
