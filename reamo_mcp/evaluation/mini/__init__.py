"""MUIE-mini: a small benchmark that the project makes itself, free of other people's content.

Each case is a few invented sentences about invented people and organizations, spread over text, a poster, a recording
and a film, so that every gold place is known by construction and checked against the pixels and samples.

What it measures: whether an engine reads each medium, recognises the types, joins what the media say of one thing, and
puts every item where it stands, including what is only in one medium. What it does not measure: photographs, natural
scenes, handwriting, real voices (the words of recordings are invented sounds that no recogniser knows; their transcript
lies beside the recording, as with subtitles), long documents, and language beyond short sentences.
Drawn figures are simple, so their gold masks tell whether an engine finds what a label points at, not whether it knows
people when it sees them.
"""
