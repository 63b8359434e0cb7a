"""The word lists of the baselines without a model, all in small letters."""

ORGANIZATION_WORDS = frozenset(
    "university college school academy institute bank group company corporation inc ltd foundation association club"
    " council party ministry agency hospital airlines motors records energy united city committee union press times"
    " court department league federation society museum theatre orchestra church army police office service".split()
)
"""Words that organizations begin or end with."""
FIRST_NAMES = frozenset(
    "anna maria john james robert michael william david richard joseph thomas charles christopher daniel matthew"
    " anthony mark donald steven paul andrew joshua kenneth kevin brian george edward mary patricia jennifer linda"
    " elizabeth barbara susan jessica sarah karen nancy lisa margaret sandra emily emma olivia sophia laura peter"
    " hans jan josé carlos luis juan miguel pedro antonio mohamed ahmed ali omar fatima aisha yusuf ibrahim wei li"
    " chen hiroshi ivan olga sergei natalia".split()
)
"""Frequent first names."""
PLACES = frozenset(
    "london paris berlin madrid rome vienna prague warsaw budapest athens lisbon dublin oslo stockholm copenhagen"
    " helsinki brussels amsterdam geneva zurich moscow kyiv istanbul ankara cairo nairobi lagos accra johannesburg"
    " beijing shanghai tokyo osaka seoul delhi mumbai karachi dhaka bangkok hanoi jakarta manila sydney melbourne"
    " toronto montreal ottawa chicago boston washington houston lima santiago bogotá caracas brazil argentina"
    " france germany spain italy austria poland hungary greece portugal ireland norway sweden denmark finland"
    " belgium netherlands switzerland russia ukraine turkey egypt kenya nigeria ghana china japan korea india"
    " pakistan iran iraq israel syria thailand vietnam indonesia australia canada mexico europe africa asia".split()
)
"""Cities, countries and continents."""
BEGINNINGS = frozenset(
    "the a an it he she they we i you there this that these those in on at for from with by as of but and or if when"
    " while after before nobody few everything everybody people one no not".split()
)
"""Words that have a capital only because they begin a sentence."""
