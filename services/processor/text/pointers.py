"""Words with which pages announce other articles, in the languages met most: `Read also`, `À lire aussi`. Pure."""

import re
from dataclasses import dataclass

MAX_CHARACTERS = 300

_ALSO = (
    # French, English
    (
        r"(?:à|a) (?:lire|voir|relire|écouter|découvrir)(?: aussi| également| encore)?"
        r"|(?:lire|voir|relire|écouter) (?:aussi|également|encore)"
        r"|sur le même (?:sujet|thème)|articles? liés?|pour aller plus loin|(?:dans )?la même rubrique"
    ),
    (
        r"(?:also|see|watch|listen|click to)(?: also)? read|read (?:also|more|next|this next|the full story"
        r"|related)|see (?:also|more)|also (?:see|watch)"
        r"|recommended(?: reading| for you| stories)?|related(?: (?:stor(?:y|ies)|articles?|news|coverage"
        r"|topics|content|posts|links|reading))?"
        r"|more (?:on this(?: story)?|from .{2,40}|stories|news|to read|like this)|(?:most"
        r"|must) read(?: in .{2,30})?|most (?:popular|viewed)"
        r"|you (?:might|may) also like|(?:top|latest|trending) stories|don't miss|in case you missed it"
        r"|editor'?s'? picks?|popular"
    ),
    # German, Dutch, the North
    (
        r"(?:lesen|sehen|hören) sie (?:auch|hier|mehr|dazu)(?: dazu| hierzu| zum thema)?|mehr (?:zum thema|dazu|lesen"
        r"|von .{2,30})|(?:passend )?(?:zum thema|dazu)(?= ?:)"
        r"|auch interessant|siehe auch|das könnte sie auch interessieren|lesetipps?|weitere (?:artikel"
        r"|meldungen|themen|nachrichten)|verwandte artikel"
    ),
    (
        r"lees (?:ook|meer|verder)|bekijk ook|zie ook|meer over(?= ?:)|(?:les|se|hør) også|(?:läs|se) (?:också"
        r"|även|mer|vidare)|les mer|læs (?:også|mere)|lue myös"
    ),
    # Spanish, Portuguese, Italian, Romanian
    (
        r"(?:lea|lee|leer|vea|ver|mire|mira) (?:también|además|más)|(?:también |además )?(?:te"
        r"|le) puede interesar|también te puede gustar|más (?:información|noticias)"
        r"|noticias? relacionadas?|artículos? relacionados?|en vídeo(?= ?:)|no te pierdas|relacionadas?"
        r"|temas relacionados"
    ),
    r"(?:leia|veja|ouça|assista|confira|saiba) (?:também|mais|ainda)|notícias relacionadas|artigos relacionados",
    (
        r"(?:leggi|guarda|vedi|ascolta) (?:anche|pure)|(?:per )?approfondi(?:menti|re)|articoli correlati"
        r"|ti potrebbe interessare|potrebbe interessarti(?: anche)?|citește și|citeşte şi|vezi și"
    ),
    # Polish, Czech, Hungarian
    (
        r"(?:prze)?czytaj (?:też|także|również|więcej|dalej)|zobacz (?:też|także|również|więcej)"
        r"|polecamy(?: także)?|powiązane(?: artykuły)?|więcej na ten temat|czytaj"
        r"(?= ?:)|čtěte také|přečtěte si(?: také)?|mohlo by vás zajímat|olvas(?:sa|d) el(?: ezt is)?"
        r"|ezt is ajánljuk|prečítajte si(?: aj)?"
    ),
    # Russian, Ukrainian, Greek, Turkish
    (
        r"(?:читайте|смотрите|слушайте|читать|см\.?) (?:также|ещё|еще|далее)|(?:материалы |новости |ссылки "
        r"|статьи |ещё |еще |больше )?по теме|похожие (?:новости|статьи|материалы)"
        r"|рекомендуем(?: (?:почитать|прочитать))?|(?:читайте|дивіться) (?:також|ще)|інші новини"
    ),
    (
        r"(?:διαβάστε|δείτε) (?:επίσης|ακόμ[αη]|και|περισσότερα)|σχετικά (?:άρθρα|θέματα)|σχετικές ειδήσεις"
        r"|(?:ayrıca )?(?:bunu )?(?:da )?oku(?:yun|mak için)"
        r"|ilgili haber(?:ler)?|benzer haberler|diğer haberler"
    ),
    # Arabic, Persian, Hebrew
    (
        r"(?:[اأإ]قر[أا]|[اأإ]قرئي|طالع|شاهد|شاهدي|تابع|انظر)و?ا? ?(?:أيض[اًا]+|ايضا[ً]?|كذلك|المزيد)|(?:أخبار"
        r"|مقالات|مواضيع|مواد) (?:ذات صلة|متعلقة|مشابهة)"
        r"|قد يهمك(?: أيضا?ً?)?|بیشتر بخوانید|مطالب مرتبط|קראו (?:גם|עוד)|ראו גם"
    ),
    # Chinese, Japanese, Korean; Indonesian, Vietnamese, Hindi, Swahili
    (
        r"(?:相关|相關|推荐|推薦|延伸|热点|熱門|更多)(?:阅读|閱讀|新闻|新聞|文章|链接|推荐|报道|報導|专题)|関連(?:記事|ニュース|リンク)|あわせて読みたい|おすすめ(?:情報"
        r"|記事)?|[【\[]?관련 ?(?:기사|뉴스)[】\]]?"
    ),
    (
        r"baca (?:juga|selengkapnya)|lihat juga|artikel terkait|xem thêm|đọc thêm|(?:यह|ये) भी पढ़ें"
        r"|soma (?:pia|zaidi)|basahin din"
    ),
)
MARKS = " \t-–—•·*|>»›▪■►▶→✓#[("
"""What stands before a line of a list, and before a pointer."""
_ENDS = " \t:：.…|>»→])"
_POINTER = re.compile(
    rf"(?:{'|'.join(_ALSO)})(?:(?P<mark>\s*[:：|>»→]+\s*|\s+[–—-]\s+)|\s+|(?=[\])])|$)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointer:
    """`title` is what the line announces, empty where it is a heading; `is_marked`: a colon or a dash stands before."""

    title: str
    is_marked: bool


def pointer_in(line: str) -> Pointer | None:
    """What a line such as `Lire aussi : Le port rouvre` announces; None for other lines.

    A line without a mark may be a sentence: `Read more books` is one where it links to nothing.
    """
    said = line.lstrip(MARKS)
    found = _POINTER.match(said) if len(line) <= MAX_CHARACTERS else None
    return Pointer(title=said[found.end() :].strip(_ENDS), is_marked=bool(found["mark"])) if found else None


def is_heading(line: str) -> bool:
    """Whether `line` announces what stands below it."""
    found = pointer_in(line)
    return found is not None and not found.title


def title_of(text: str) -> str:
    """`text` without the words that announce it; empty where it says nothing else."""
    found = pointer_in(text)
    title = found.title if found else text.strip(f"{MARKS}{_ENDS}")
    return title if any(map(str.isalnum, title)) else ""
