"""Pictures of an article: which are its own, what is said of them, and that none of it stays in the text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.processor.page.tree import tree_of
from services.processor.text.blocks import blocks_of
from services.processor.text.captions import without_captions
from services.processor.text.credits import credit_of, ends_with_credit, split_credit
from services.processor.text.figures import MAX_IMAGES, figures_of
from services.processor.text.furniture import without_furniture
from services.processor.text.lines import Line, Why, kept
from services.processor.text.pictures import merged, picture_key
from shared.events import Image

BASE = "https://journal.example/2026/port"
TEXT = (
    "Le premier navire a accosté mercredi au nouveau quai, après une approche ralentie par la houle.",
    "Deux portiques électriques remplacent les camions à benne qui encombraient la corniche.",
)


def figures(inside, *, above="", below=""):
    """What is found between two paragraphs; `above` the headline and `below` the text."""
    body = f"<div class='body'><p>{TEXT[0]}</p>{inside}<p>{TEXT[1]}</p></div>"
    page = f"<html><body>{above}<article><h1>Le port rouvre</h1>{body}</article>{below}</body></html>"
    return figures_of(tree_of(page), TEXT, BASE)


def test_a_figure_has_address_caption_credit_and_alt():
    """Each is a field of its own, and the address is absolute."""
    found = figures(
        "<figure><img src='/i/quai.jpg' alt='Un quai'>"
        "<figcaption>Le quai aux grains <span class='photo-credit'>Photo : Awa Diop</span></figcaption></figure>"
    )

    assert found == (
        Image(url="https://journal.example/i/quai.jpg", caption="Le quai aux grains", credit="Awa Diop", alt="Un quai"),
    )


def test_class_names_tell_captions_where_no_figure_does():
    """Systems without `figure` name caption and credit in classes."""
    found = figures(
        "<div class='media'><div><img src='/i.jpg' alt='Quai - Le Site'></div>"
        "<div class='media__copyright'><div class='media__copyright-item'><a>© Agence du Quai 2026</a></div>"
        "</div><div class='media__title'>Le quai aux grains</div></div>"
    )

    assert [(image.caption, image.credit) for image in found] == [("Le quai aux grains", "© Agence du Quai 2026")]


@pytest.mark.parametrize(
    ("markup", "name"),
    [
        ("<img src='/s.jpg' srcset='/s.jpg 300w, /l.jpg 1200w, /m.jpg 800w'>", "l.jpg"),
        ("<img src='data:image/gif;base64,R0' data-src='/iconic-pixel.jpg'>", "iconic-pixel.jpg"),
        ("<img src='/blank.gif' data-srcset='/a,w_300/x.jpg 300w, /a,w_900/y.jpg 900w'>", "y.jpg"),
        ("<picture><source srcset='/p1.webp 1x, /p2.webp 2x'><img src='/p.jpg'></picture>", "p2.webp"),
        ("<img src='/img/leer.gif' data-original='/orig.jpg'>", "orig.jpg"),
        ("<amp-img src='/amp.jpg' width='800' height='500'></amp-img>", "amp.jpg"),
    ],
)
def test_the_largest_address_is_taken(markup, name):
    """Of what a browser may load the largest; what stands in until a script runs is none."""
    assert [image.url.rpartition("/")[2] for image in figures(markup)] == [name]


@pytest.mark.parametrize(
    "markup",
    [
        "<img src='/i.jpg' width='1' height='1'>",
        "<img src='/face.jpg' width='48'>",
        "<img src='/logo.svg'>",
        "<div class='author-box'><img src='/awa.jpg'></div>",
        "<div class='related-posts'><a href='/autre'><img src='/autre.jpg'></a></div>",
        "<div><a href='/autre'><img src='/autre.jpg'></a></div>",
        "<article><img src='/autre.jpg'></article>",
        "<aside><img src='/autre.jpg'></aside>",
        "<div class='ad'><img src='/pub.jpg'></div>",
        "<noscript><img src='/pixel.gif'></noscript>",
        "<div class='share'><img src='/f.png'></div>",
        "<img alt='rien'>",
        "<img src='javascript:x()'>",
    ],
)
def test_other_pictures_of_a_page_are_not_the_articles(markup):
    """Faces, logos, counters, advertisements and cards of other articles are left."""
    assert figures(markup) == ()


def test_only_what_stands_between_headline_and_end_of_text_counts():
    """Pictures of the site's head and of the lists below are not the article's; those above in the article are."""
    assert figures("", above="<img src='/tete.jpg'>", below="<div><img src='/liste.jpg'></div>") == ()
    page = f"<article><figure><img src='/a.jpg'></figure><h1>Port</h1><p>{TEXT[0]}</p></article>"
    assert len(figures_of(tree_of(page), TEXT, BASE)) == 1


def test_a_picture_that_opens_larger_is_the_articles():
    """A link to the picture itself, or around a figure, leads nowhere else."""
    assert len(figures("<a href='/i/large.jpg'><img src='/i/s.jpg'></a>")) == 1
    assert len(figures("<figure><a href='/galerie'><img src='/i/s.jpg'></a></figure>")) == 1


def test_a_gallery_gives_each_picture_its_own_caption():
    """Where one element holds several pictures, what is said of one is not said of the others."""
    one, two = (f"<div><img src='/{name}.jpg'><p class='caption'>{name}</p></div>" for name in ("un", "deux"))

    assert [image.caption for image in figures(f"<div class='gallery'>{one}{two}</div>")] == ["un", "deux"]


def test_pictures_are_bounded_and_distinct():
    """A picture that stands twice counts once, and a page of pictures gives the first of them."""
    many = "".join(f"<figure><img src='/{at}.jpg'></figure>" * 2 for at in range(100))

    found = figures(many)

    assert [image.url for image in found] == [f"https://journal.example/{at}.jpg" for at in range(MAX_IMAGES)]


@pytest.mark.parametrize(
    ("caption", "parts"),
    [
        ("Un marché. Photo: Awa Diop/AFP", ("Un marché.", "Awa Diop/AFP")),
        ("Le chef de l'État à Bassolo (© Présidence)", ("Le chef de l'État à Bassolo", "© Présidence")),
        ("© AFP 2023 Awa DIOP", ("", "© AFP 2023 Awa DIOP")),
        ("A man walks (AP Photo/Jo Doe)", ("A man walks", "AP Photo/Jo Doe")),
        ("Une rue. Crédit photo : Jean Mba", ("Une rue.", "Jean Mba")),
        ("Le marché de Bassolo | AFP", ("Le marché de Bassolo", "AFP")),
        ("Les quais – REUTERS/Jo Doe", ("Les quais", "REUTERS/Jo Doe")),
        ("Une digue. DR", ("Une digue.", "DR")),
        ("Foto: dpa", ("", "dpa")),
        ("Der Hafen (Bild: Anna von Sommer)", ("Der Hafen", "Anna von Sommer")),
        ("Порт Фото: Иван Петров", ("Порт", "Иван Петров")),
        ("Photo by JO DOE", ("", "JO DOE")),
        ("La photo de famille des ministres", ("La photo de famille des ministres", "")),
        ("Bild von der Lage am Montag", ("Bild von der Lage am Montag", "")),
        ("Les quais de la DR Congo", ("Les quais de la DR Congo", "")),
        ("At 100 (km/h)", ("At 100 (km/h)", "")),
        ("Une équipe de l'AFP au port", ("Une équipe de l'AFP au port", "")),
        ("", ("", "")),
    ],
)
def test_a_credit_is_split_from_its_caption(caption, parts):
    """What is signed or labelled at the end is the credit; the same words in a sentence are the caption's."""
    assert split_credit(caption) == parts


@given(st.text(max_size=200))
def test_splitting_loses_no_word(caption):
    """Caption and credit are pieces of what was there."""
    first, credit = split_credit(caption)

    assert first in caption
    assert credit in caption


def test_a_label_is_no_part_of_a_credit():
    """Of `Foto: X` the credit is X; a © stays with its owner."""
    assert [credit_of(text) for text in ("Foto: Awa Diop", "(Image credit: Jo Doe)", "© AFP", "Awa Diop")] == [
        "Awa Diop", "Jo Doe", "© AFP", "Awa Diop",
    ]  # fmt: skip


def test_the_stated_picture_leads_and_learns_from_its_figure():
    """The same file in another size is the same picture: its caption and credit complete what is stated."""
    stated = Image(url="https://cdn.example/2026/quai-aux-grains-1200x675.jpg", alt="Stated")
    same = Image(
        url="https://journal.example/i/quai-aux-grains-800x450.jpg?w=3", caption="Quai", credit="AD", alt="Un quai"
    )
    other = Image(url="https://journal.example/i/grue.jpg")

    assert merged([stated], [other, same]) == (
        Image(url=stated.url, caption="Quai", credit="AD", alt="Stated"),
        other,
    )
    assert merged([], [other]) == (other,)
    assert merged([stated], []) == (stated,)


def test_common_file_names_do_not_make_pictures_one():
    """`image.jpg` in two folders are two pictures."""
    keys = {picture_key(f"https://a.example/{folder}/{name}") for folder in "xy" for name in ("image.jpg", "1.jpg")}

    assert len(keys) == 4


def captions(inside, texts, *, titles=(), site_name=None):
    page = f"<html><body><div>{inside}</div></body></html>"
    blocks = blocks_of(tree_of(page))
    lines = without_furniture([Line(text=text) for text in texts])
    return without_captions(lines, blocks, figures(inside), titles, site_name)


def test_captions_credits_and_alts_leave_the_text():
    """What is said of a picture is no line of the text, with its credit or without."""
    figure = "<figure><img src='/i.jpg' alt='Un quai vide'><figcaption>Le quai. Photo: Awa Diop</figcaption></figure>"
    said = ("Le quai. Photo: Awa Diop", "Le quai.", "Un quai vide", "Awa Diop")

    found = captions(figure, (*said, *TEXT))

    assert kept(found) == TEXT
    assert {line.dropped for line in found[: len(said)]} <= {Why.CAPTION, Why.FURNITURE}


def test_a_headline_that_describes_its_picture_stays():
    """Many pages repeat the headline as the picture's alt; it is told as headline, not as caption."""
    figure = "<figure><img src='/i.jpg' alt='Le port rouvre'></figure>"

    assert kept(captions(figure, ("Le port rouvre", *TEXT), titles=["Le port rouvre"])) == ("Le port rouvre", *TEXT)


def test_an_alt_signed_by_the_site_is_one():
    """`… - The Site` describes a picture; a dash in a sentence does not."""
    texts = ("Une rue de Bassolo - Fil du Sud", "Le fleuve - dit Fil du Sud - monte", *TEXT)

    assert kept(captions("", texts, site_name="Fil du Sud")) == texts[1:]


def test_a_line_that_ends_with_its_credit_is_a_caption():
    """A photographer is named behind a caption, wherever it stands; `(AFP)` ends a paragraph."""
    assert ends_with_credit("Le quai aux grains, mercredi. Photo: Awa Diop")
    assert ends_with_credit("Der Hafen am Montag. Bild: Anna Sommer")
    assert not ends_with_credit("Le port a rouvert mercredi. (AFP)")
    assert not ends_with_credit("Il a montré une photo: celle du quai.")
    assert kept(captions("", ("Le quai aux grains, mercredi. Photo: Awa Diop", *TEXT))) == TEXT


def test_what_stands_alone_with_a_credit_is_its_caption():
    """A caption without any mark is told by the credit beside it, apart from the text."""
    box = "<div class='x'><p>Les dockers devant le quai</p><p>Image: Awa Diop</p></div>"
    body = f"<div class='body'><p>{TEXT[0]}</p><p>{TEXT[1]}</p></div>"

    assert kept(captions(box + body, ("Les dockers devant le quai", "Image: Awa Diop", *TEXT))) == TEXT
    among = f"<div class='body'><p>{TEXT[0]}</p><p>{TEXT[1]}</p><p>Image: Awa Diop</p></div>"
    assert kept(captions(among, (*TEXT, "Image: Awa Diop"))) == TEXT
