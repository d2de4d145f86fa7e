"""Links to other articles inside of a text: out of it, and into a field of their own."""

import pytest

from services.processor.page.tree import tree_of
from services.processor.text.blocks import blocks_of
from services.processor.text.embeds import without_embeds
from services.processor.text.lines import Line, Why, kept
from services.processor.text.pointers import is_heading, pointer_in, title_of
from services.processor.text.related import MAX_RELATED, without_related
from shared.events import Related

URL = "https://journal.example/2026/port"
TEXT = (
    "Le premier navire a accosté mercredi au nouveau quai, après une approche ralentie par la houle du large.",
    "Deux portiques électriques remplacent les camions à benne qui encombraient la corniche depuis des années.",
    "Le port compte accueillir un vraquier par semaine jusqu'à la fin de la campagne, selon la capitainerie.",
)
CARD = Related(url="https://journal.example/2026/volcan", title="Un volcan se réveille au large")


def read(*inside, before=TEXT[:1], after=TEXT[1:], url=URL, base=None):
    """The text that is left and what it points to; each of `inside` is markup between two paragraphs."""
    markup = [*(f"<p>{text}</p>" for text in before), *inside, *(f"<p>{text}</p>" for text in after)]
    blocks = blocks_of(tree_of(f"<html><body><article>{''.join(markup)}</article></body></html>"))
    lines = [Line(text=block.text) for block in blocks]
    marked, related = without_related(lines, blocks, url, base)
    return kept(marked), related


@pytest.mark.parametrize(
    "words",
    [
        "Lire aussi", "À lire aussi", "À lire", "Voir aussi", "Read more", "Read also", "Also read",
        "READ NEXT", "See also", "Related", "Lesen Sie auch", "Mehr zum Thema", "Lees ook", "Les også",
        "Läs också", "Læs også", "Lue myös", "Lea también", "Le puede interesar", "Leia também", "Veja também",
        "Leggi anche", "Czytaj więcej", "Czytaj także", "Zobacz też", "Čtěte také", "Citește și",
        "Читайте также", "Материалы по теме", "Читайте також", "Διαβάστε επίσης", "İlgili haber", "اقرأ أيضا",
        "اقرأ أيضاً", "إقرأ المزيد", "相关阅读", "延伸閱讀", "関連記事", "관련 기사", "Baca juga", "Xem thêm",
        "Soma pia",
    ],
)  # fmt: skip
def test_words_that_announce_another_article_are_known(words):
    """With a colon, with a link behind, or as a heading, in many languages."""
    assert read(f"<p>{words} : <a href='/2026/volcan'>{CARD.title}</a></p>") == (TEXT, (CARD,))
    assert read(f"<p>{words} <a href='/2026/volcan'>{CARD.title}</a></p>") == (TEXT, (CARD,))
    assert is_heading(f"{words} :")


@pytest.mark.parametrize(
    "sentence",
    [
        "Read more books, the teacher said to those who had come from the hills that day.",
        "Related costs have doubled since the drought began, farmers of the plateau say.",
        "Lire aussi bien que son frère était son rêve, raconte-t-elle devant la classe.",
        "À lire les anciens, le fleuve montait chaque année jusqu'au pied du marché.",
        "See also-rans of the last race run again on Sunday.",
        "Popular singers came to the harbour on the day it opened.",
    ],
)
def test_sentences_that_begin_alike_stay(sentence):
    """Without a mark and without a link these words are a sentence."""
    assert read(f"<p>{sentence}</p>")[0] == (TEXT[0], sentence, *TEXT[1:])


def test_a_paragraph_with_links_stays():
    """Words of a sentence may be linked, half of them even."""
    sentence = "Le volcan <a href='/2026/volcan'>s'est réveillé au large</a> lundi, selon les pêcheurs de la côte."

    text, related = read(f"<p>{sentence}</p>")

    assert len(text) == 4
    assert related == ()


@pytest.mark.parametrize(
    "card",
    [
        "<p><a href='/2026/volcan'>Un volcan se réveille au large</a></p>",
        "<ul><li><a href='https://www.journal.example/2026/volcan?a=1'>Un volcan se réveille au large</a></li></ul>",
        "<div><a class='article__article-title' href='/2026/volcan'>Un volcan se réveille au large</a></div>",
        "<h3><a href='/2026/volcan'>Un volcan se réveille au large</a></h3><p>28 juillet</p>",
    ],
)
def test_a_block_that_is_one_link_is_a_card(card):
    """A title that is all link, to an article of the same site, stands between paragraphs as a card."""
    text, related = read(card)

    assert CARD.title not in text
    assert [each.title for each in related] == [CARD.title]


@pytest.mark.parametrize(
    "link",
    [
        "<p><a href='/doc/rapport-2026.pdf'>Le rapport complet sur le port (PDF)</a></p>",
        "<p><a href='https://autre.example/etude'>Une étude de l'université sur la houle</a></p>",
        "<p><a href='/auteur/awa'>Awa Diop</a></p>",
        "<h2><a href='/2026/volcan'>Un volcan se réveille au large</a></h2>",
        "<h2><a href='#volcan'>Un volcan se réveille</a></h2>",
    ],
)
def test_other_links_between_paragraphs_stay(link):
    """Documents, other sites, short names, and headings that sum up what follows are text."""
    assert len(read(link)[0]) == 4


def test_a_list_below_its_heading_goes_whole():
    """`On the same subject` and the links below it go, on whatever site they are."""
    links = "<li><a href='/a'>La houle</a></li><li><a href='https://b.example/'>Le mil monte</a></li>"

    text, related = read(f"<h4>Sur le même sujet</h4><ul>{links}</ul>")

    assert text == TEXT
    assert [each.title for each in related] == ["La houle", "Le mil monte"]


def test_a_table_of_contents_does_not_take_its_headings():
    """A heading that is linked above, and stands above its paragraphs, is one of the text."""
    heading = "Un volcan se réveille au large"
    text, related = read(f"<ul><li><a href='#v'>{heading}</a></li></ul>", f"<h2 id='v'>{heading}</h2>")

    assert heading in text
    assert related == ()


def test_cards_that_are_no_lines_of_the_text_are_found_between_its_lines():
    """An extractor leaves most cards out; they are related all the same, lists far below the text are not."""
    page = f"<p>{TEXT[0]}</p><div><a href='/2026/volcan'>{CARD.title}</a></div><p>{TEXT[1]}</p>"
    below = "".join(f"<div><a href='/autre/{at}'>Un autre article numéro {at}</a></div>" for at in range(9))
    blocks = blocks_of(tree_of(f"<html><body>{page}{below}</body></html>"))

    marked, related = without_related([Line(text=text) for text in TEXT[:2]], blocks, URL)

    assert kept(marked) == TEXT[:2]
    assert related == (CARD,)


def test_jobs_and_shops_on_other_hosts_are_no_cards():
    """A card that is no line of the text is of the same host: advertised jobs have hosts of their own."""
    job = "<a href='https://jobs.journal.example/1'>Dockers cherchés au port de Bassolo</a>"
    blocks = blocks_of(tree_of(f"<html><body><p>{TEXT[0]}</p><div>{job}</div><p>{TEXT[1]}</p></body></html>"))

    assert without_related([Line(text=text) for text in TEXT[:2]], blocks, URL)[1] == ()


def test_related_links_are_absolute_distinct_and_bounded():
    """Relative to the page's base, each once, the page itself never, and not more than a field holds."""
    twice = "<p>Lire aussi : <a href='volcan'>Un volcan se réveille au large</a></p>" * 2
    itself = f"<p>Lire aussi : <a href='{URL}'>Le port de Bassolo rouvre</a></p>"

    assert read(twice, itself, base="https://journal.example/2026/") == (TEXT, (CARD,))
    many = "".join(f"<p>Lire aussi : <a href='/{at}'>Titre {at}</a></p>" for at in range(60))
    long_text = TEXT[1:] * 80
    assert len(read(many, after=long_text)[1]) == MAX_RELATED


def test_a_text_of_links_stays_whole():
    """An overview whose every line links keeps its lines: rules that take most of a text are wrong."""
    links = [f"<p><a href='/n/{at}'>La nouvelle numéro {at} de la semaine au port</a></p>" for at in range(40)]

    text, related = read(*links)

    assert len(text) == 43
    assert related == ()


def test_titles_come_without_what_announces_them():
    """The title is what readers see behind the words, the mark and the arrow."""
    assert title_of("→ Lire aussi : Un volcan se réveille") == "Un volcan se réveille"
    assert title_of("Un volcan se réveille >") == "Un volcan se réveille"
    assert title_of("À lire aussi") == ""
    assert pointer_in("Le port rouvre") is None


def post(name):
    tweet = "<p>Le quai est ouvert !</p>— Port de Bassolo (@port) <a href='https://x.example/1'>March 3, 2026</a>"
    return blocks_of(
        tree_of(f"<html><body><p>{TEXT[0]}</p><blockquote class='{name}'>{tweet}</blockquote></body></html>")
    )


def test_an_embedded_post_leaves_the_text():
    """A network's post is signed at its end, and other people's words; a quotation of the article's own stays."""
    blocks = post("twitter-tweet")
    lines = [Line(text=block.text) for block in blocks]

    found = without_embeds(lines, blocks)

    assert kept(found) == TEXT[:1]
    assert {line.dropped for line in found} == {None, Why.FURNITURE}
    plain = post("citation")
    assert "Le quai est ouvert !" in kept(without_embeds(lines, plain))
