"""Month names as feeds write them, in three dozen languages: full and short, as they stand in a date. Data."""

from unicodedata import combining, normalize

_NAMES = (
    (
        "ene enero gen gennaio ian ianuarie jan janeiro janner januar januari january janv janvier led leden ledna "
        "oca ocak sty styczen stycznia tammi tammikuu tammikuuta ιαν ιανουαριοσ ιανουαριου січ січень січня янв "
        "январь января جانفي يناير януари sausio sausis janvaris janvari jaanuar gener јануар जनवरी ינואר בינואר"
    ),
    (
        "feb febbraio febr febrero februar februari februarie february fev fevereiro fevr fevrier helmi helmikuu "
        "helmikuuta lut lutego luty sub subat uno unor unora φεβ φεβρουαριοσ φεβρουαριου лют лютии лютого февр "
        "февраль февраля شباط فبراير فيفري февруари vasario vasaris februaris veebruar febrer фебруар फरवरी פברואר "
        "בפברואר"
    ),
    (
        "bre brezen brezna maalis maaliskuu maaliskuuta maart mac machi mar marc marca march marcius marco maret mars "
        "mart martie marts marz marzec marzo mrt μαρ μαρτιοσ μαρτιου бер березень березня мар март марта اذار مارس "
        "marec kovo kovas मार्च מרץ במרץ מרס"
    ),
    (
        "abr abril apr april aprile aprili aprilie aprilis avr avril dub duben dubna huhti huhtikuu huhtikuuta kwi "
        "kwiecien kwietnia nis nisan απρ απριλιοσ απριλιου апр апрель апреля квіт квітень квітня ابريل افريل نيسان "
        "balandzio balandis aprill април अप्रैल אפריל באפריל"
    ),
    (
        "kve kveten kvetna mag maggio mai maio maj maja majus may mayo mayıs mei touko toukokuu toukokuuta μαι μαιοσ "
        "μαιου маи мая трав травень травня ايار ماي مايو geguzes geguze maijs maija maig мај मई מאי במאי"
    ),
    (
        "cerven cervna cvn cze czerwca czerwiec giu giugno haz haziran iun iunie juin jun june junho juni junio "
        "junius kesa kesakuu kesakuuta ιουν ιουνιοσ ιουνιου июн июнь июня черв червень червня جوان حزيران يونيو юни "
        "birzelio birzelis junijs juuni juny јун जून יוני ביוני"
    ),
    (
        "cervence cervenec cvc heina heinakuu heinakuuta iul iulie juil juillet jul julai julho juli julio julius "
        "july lip lipca lipiec lug luglio tem temmuz ιουλ ιουλιοσ ιουλιου июл июль июля лип липень липня تموز جويلية "
        "يوليو يوليوز юли liepos liepa julijs juuli juliol јул जुलाई יולי ביולי"
    ),
    (
        "ago agosti agosto agu agustos agustus aou aout aug august augusti augustus augusztus elo elokuu elokuuta sie "
        "sierpien sierpnia srp srpen srpna αυγ αυγουστοσ αυγουστου авг август августа серп серпень серпня اب اغسطس "
        "اوت غشت rugpjucio rugpjutis augusts agost अगस्त אוגוסט באוגוסט"
    ),
    (
        "eyl eylul sep sept septemba september septembre septembrie septiembre set setembro settembre syys syyskuu "
        "syyskuuta szept szeptember wrz wrzesien wrzesnia zar zari σεπ σεπτεμβριοσ σεπτεμβριου вер вересень вересня "
        "сен сент сентябрь сентября ايلول سبتمبر شتنبر септември rugsejo rugsejis septembris септембар सितंबर सितम्बर "
        "ספטמבר בספטמבר"
    ),
    (
        "eki ekim loka lokakuu lokakuuta oct october octobre octombrie octubre okt oktoba oktober ott ottobre out "
        "outubro paz pazdziernik pazdziernika rij rijen rijna οκτ οκτωβριοσ οκτωβριου жовт жовтень жовтня окт октябрь "
        "октября اكتوبر октомври spalio spalis oktobris oktoober октобар अक्टूबर अक्तूबर אוקטובר באוקטובר"
    ),
    (
        "kas kasım lis listopad listopada listopadu marras marraskuu marraskuuta noiembrie nov novemba november "
        "novembre novembro noviembre νοε νοεμβριοσ νοεμβριου лист листопад листопада ноя нояб ноябрь ноября نوفمبر "
        "نونبر ноември lapkricio lapkritis novembris noi новембар नवंबर नवम्बर נובמבר בנובמבר"
    ),
    (
        "ara aralık dec december decembre decembrie des desemba desember dez dezember dezembro dic dicembre diciembre "
        "gru grudnia grudzien joulu joulukuu joulukuuta pro prosince prosinec δεκ δεκεμβριοσ δεκεμβριου груд грудень "
        "грудня дек декабрь декабря دجنبر ديسمبر декември gruodzio gruodis decembris detsember desembre децембар "
        "दिसंबर दिसम्बर דצמבר בדצמבר"
    ),
)


def fold(word: str) -> str:
    """`word` as the keys of `MONTHS` are spelled: lower case, without accents and other marks."""
    return "".join(char for char in normalize("NFKD", word.casefold()) if not combining(char))


MONTHS = {fold(name): number for number, names in enumerate(_NAMES, start=1) for name in names.split()}
"""Folded name → 1..12. Croatian is left out: its listopad is October, everyone else's November."""
