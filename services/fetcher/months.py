"""Month names as feeds write them, in two dozen languages: lower case, without accents, full and short. Data."""

from unicodedata import combining, normalize

_NAMES = (
    (
        "ene enero gen gennaio ian ianuarie jan janeiro janner januar januari january janv janvier led leden ledna "
        "oca ocak sty styczen stycznia tammi tammikuu tammikuuta ιαν ιανουαριοσ ιανουαριου січ січень січня янв "
        "январь января جانفي يناير"
    ),
    (
        "feb febbraio febr febrero februar februari februarie february fev fevereiro fevr fevrier helmi helmikuu "
        "helmikuuta lut lutego luty sub subat uno unor unora φεβ φεβρουαριοσ φεβρουαριου лют лютии лютого февр "
        "февраль февраля شباط فبراير فيفري"
    ),
    (
        "bre brezen brezna maalis maaliskuu maaliskuuta maart mac machi mar marc marca march marcius marco maret mars "
        "mart martie marts marz marzec marzo mrt μαρ μαρτιοσ μαρτιου бер березень березня мар март марта اذار مارس"
    ),
    (
        "abr abril apr april aprile aprili aprilie aprilis avr avril dub duben dubna huhti huhtikuu huhtikuuta kwi "
        "kwiecien kwietnia nis nisan απρ απριλιοσ απριλιου апр апрель апреля квіт квітень квітня ابريل افريل نيسان"
    ),
    (
        "kve kveten kvetna mag maggio mai maio maj maja majus may mayo mayıs mei touko toukokuu toukokuuta μαι μαιοσ "
        "μαιου маи мая трав травень травня ايار ماي مايو"
    ),
    (
        "cerven cervna cvn cze czerwca czerwiec giu giugno haz haziran iun iunie juin jun june junho juni junio "
        "junius kesa kesakuu kesakuuta ιουν ιουνιοσ ιουνιου июн июнь июня черв червень червня جوان حزيران يونيو"
    ),
    (
        "cervence cervenec cvc heina heinakuu heinakuuta iul iulie juil juillet jul julai julho juli julio julius "
        "july lip lipca lipiec lug luglio tem temmuz ιουλ ιουλιοσ ιουλιου июл июль июля лип липень липня تموز جويلية "
        "يوليو يوليوز"
    ),
    (
        "ago agosti agosto agu agustos agustus aou aout aug august augusti augustus augusztus elo elokuu elokuuta sie "
        "sierpien sierpnia srp srpen srpna αυγ αυγουστοσ αυγουστου авг август августа серп серпень серпня اب اغسطس "
        "اوت غشت"
    ),
    (
        "eyl eylul sep sept septemba september septembre septembrie septiembre set setembro settembre syys syyskuu "
        "syyskuuta szept szeptember wrz wrzesien wrzesnia zar zari σεπ σεπτεμβριοσ σεπτεμβριου вер вересень вересня "
        "сен сент сентябрь сентября ايلول سبتمبر شتنبر"
    ),
    (
        "eki ekim loka lokakuu lokakuuta oct october octobre octombrie octubre okt oktoba oktober ott ottobre out "
        "outubro paz pazdziernik pazdziernika rij rijen rijna οκτ οκτωβριοσ οκτωβριου жовт жовтень жовтня окт октябрь "
        "октября اكتوبر"
    ),
    (
        "kas kasım lis listopad listopada listopadu marras marraskuu marraskuuta noiembrie nov novemba november "
        "novembre novembro noviembre νοε νοεμβριοσ νοεμβριου лист листопад листопада ноя нояб ноябрь ноября نوفمبر "
        "نونبر"
    ),
    (
        "ara aralık dec december decembre decembrie des desemba desember dez dezember dezembro dic dicembre diciembre "
        "gru grudnia grudzien joulu joulukuu joulukuuta pro prosince prosinec δεκ δεκεμβριοσ δεκεμβριου груд грудень "
        "грудня дек декабрь декабря دجنبر ديسمبر"
    ),
)

MONTHS = {name: number for number, names in enumerate(_NAMES, start=1) for name in names.split()}
"""Folded name → 1..12. Croatian is left out: its listopad is October, everyone else's November."""


def fold(word: str) -> str:
    """`word` as the keys of `MONTHS` are spelled."""
    return "".join(char for char in normalize("NFKD", word.casefold()) if not combining(char))
