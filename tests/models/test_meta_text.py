from hypothesis import given
from hypothesis import strategies as st

from reamo_mcp.models.meta_response import MetaCall, MetaEntity, MetaMention, MetaResponse, ModuleName
from reamo_mcp.models.meta_text import PaperForm, from_paper, in_paper_form
from reamo_mcp.types.ontology import Ontology

NER = Ontology.of(entity_types=["person", "country", "location", "title"])
RE = Ontology.of(entity_types=["person"], relation_types=["award", "peer"])
EE = Ontology.of(event_types=["driving"])


def read(text: str, ontology: Ontology = NER) -> MetaResponse:
    return from_paper(text, ontology, "m1", {"image_segmenter": "m2", "video_tracker": "m3", "audio_segmenter": "m4"})


def test_the_form_of_the_figure_is_read() -> None:
    response = read(
        "<UIE> ( Trump , person )(Merkel, person )(U.S. , country ) (German ... ) <Module> Image Segmenter "
        "<Instruction> The woman in the left, The man ..."
    )
    assert [(entity.name, entity.type) for entity in response.entities] == [
        ("Trump", "person"),
        ("Merkel", "person"),
        ("U.S.", "country"),
    ]
    assert [(call.target, call.medium, call.module, call.instruction) for call in response.calls] == [
        ("e1", "m2", "image_segmenter", "The woman in the left"),
        ("e2", "m2", "image_segmenter", "The man ..."),
    ]


def test_several_modules_of_one_answer_are_all_read() -> None:
    response = read(
        "<UIE>(Ada, person)<Module>ImageSegmentation</Module> <Instruction>segmentation: the woman</Instruction> "
        "<Module>AudioSegmentation</Module> <Instruction>segmentation: Ada</Instruction>"
    )
    assert [(call.medium, call.module, call.instruction) for call in response.calls] == [
        ("m2", "image_segmenter", "the woman"),
        ("m4", "audio_segmenter", "Ada"),
    ]


def test_module_letters_of_the_sibling_are_read_and_those_that_make_media_are_left_out() -> None:
    text = "Sure. (zebra, title) <module>{}</module> <instruction>segmentation: zebra farthest from you</instruction>"
    assert [call.module for call in read(text.format("B")).calls] == ["image_segmenter"]
    assert [call.module for call in read(text.format("E")).calls] == ["video_tracker"]
    assert read(text.format("D")).calls == ()
    assert read(text.format("B")).calls[0].instruction == "zebra farthest from you"


def test_an_instruction_keeps_its_own_colon() -> None:
    response = read("<UIE>(Ada, person)<Module>B</Module><Instruction>the sign saying: go</Instruction>")
    assert response.calls[0].instruction == "the sign saying: go"


def test_relations_are_read_also_those_off_the_list() -> None:
    response = read(
        "Think first (a bit). (Rafael Nadal, award, French Open) (Rafael Nadal, interview_by, Bud Collins)", RE
    )
    names = {entity.id: entity.name for entity in response.entities}
    assert [(names[link.head], link.type, names[link.tail]) for link in response.relations] == [
        ("Rafael Nadal", "award", "French Open"),
        ("Rafael Nadal", "interview_by", "Bud Collins"),
    ]
    assert len(names) == 3


def test_commas_in_names_are_told_by_the_ontology() -> None:
    assert read("(Wilkes-Barre, Pennsylvania, location)").entities[0].name == "Wilkes-Barre, Pennsylvania"
    response = read("(Martin Luther King, Jr., peer, Ada)", RE)
    assert response.entities[0].name == "Martin Luther King, Jr."


def test_events_are_read_with_their_roles() -> None:
    response = read(
        "(Type: driving, Trigger: drive, Agent: man, Target: car, Direction: forward, Scene: mire) "
        "(Type: driving, Trigger: drive, Agent: man, Direction: backward)",
        EE,
    )
    names = {entity.id: entity.name for entity in response.entities}
    assert [[(part.role, names[part.entity or ""]) for part in event.arguments] for event in response.events] == [
        [("Agent", "man"), ("Target", "car"), ("Direction", "forward"), ("Scene", "mire")],
        [("Agent", "man"), ("Direction", "backward")],
    ]
    assert response.events[0].trigger == "drive"


_words = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=12)


@given(
    st.lists(st.tuples(_words, st.sampled_from(["person", "country"]), _words), unique_by=lambda t: t[0]),
    st.sampled_from(["figure", "closing tags", "letters"]),
)
def test_what_is_rendered_is_read_back(items: list[tuple[str, str, str]], form: PaperForm) -> None:
    entities = tuple(
        MetaEntity(id=f"e{at}", type=kind, name=name, mentions=(MetaMention(source="m1", quote=name),))
        for at, (name, kind, _) in enumerate(items, 1)
    )
    calls = tuple(
        MetaCall(target=f"e{at}", medium="m2", module="image_segmenter", instruction=phrase)
        for at, (_, _, phrase) in enumerate(items, 1)
    )
    response = MetaResponse(entities=entities, calls=calls)
    assert read(in_paper_form(response, form)) == response


def test_letters_name_the_modules_that_have_one() -> None:
    modules: tuple[ModuleName, ...] = ("image_segmenter", "video_tracker", "audio_segmenter")
    calls = tuple(MetaCall(target="e1", medium="m2", module=module, instruction="a dog") for module in modules)
    entity = MetaEntity(id="e1", type="person", name="Ada", mentions=(MetaMention(source="m1", quote="Ada"),))
    text = in_paper_form(MetaResponse(entities=(entity,), calls=calls), "letters")
    assert text == (
        "<UIE> (Ada, person) <module>B</module> <instruction>segmentation: a dog</instruction> "
        "<module>E</module> <instruction>segmentation: a dog</instruction>"
    )


@given(st.text())
def test_any_text_is_read_without_an_error(text: str) -> None:
    read(text)
    read(f"<UIE>({text})<Module>{text}<Instruction>{text}", RE)
    read(f"(Type: {text}, Trigger: {text})", EE)
