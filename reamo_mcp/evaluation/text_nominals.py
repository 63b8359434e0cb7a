"""SemEval-2010 task 8: the relation between two marked nominals, judged by the official measure."""

from collections.abc import Sequence
from dataclasses import dataclass

from reamo_mcp.evaluation.text_runs import Part, Runner
from reamo_mcp.evaluation.text_sets import conventions
from reamo_mcp.evaluation.text_sets.related import read_semeval
from reamo_mcp.evaluation.text_sets.sample import digest, is_kept_back
from reamo_mcp.types.ontology import Ontology


@dataclass(frozen=True)
class Directed:
    """The gold and the best answer to one sentence of SemEval-2010 task 8: type and whether it runs backwards."""

    gold: tuple[str, bool] | None
    answer: tuple[str, bool]
    score: float


def semeval(runner: Runner, part: Part) -> list[Directed]:
    """Return the answers to half of the fifth of the sentences that was kept from training."""
    questions = runner.questions(Ontology(relation_types=tuple(conventions.SEMEVAL.values())))
    keys = list(conventions.SEMEVAL)
    answers: list[Directed] = []
    kept = filter(is_kept_back, read_semeval(runner.train / "re/semeval2010_task8/TRAIN_FILE.TXT"))
    for sample in kept:
        if (digest(sample.key) // 5 % 2 == 0) != (part == "report"):
            continue
        assert sample.pairs is not None
        scores = runner.pair_scores(sample.text, sample.pairs, questions)
        row, kind = divmod(int(scores.argmax()), len(keys))
        gold = None
        if sample.relations:
            relation = sample.relations[0]
            gold = (relation.type, relation.head != sample.pairs[0][0])
        answers.append(Directed(gold, (keys[kind], row == 1), float(scores.max())))
    return answers


def directed_macro_f1(answers: Sequence[Directed], least: float) -> float:
    """Return the official measure: the mean F1 of nine types with direction, Other left out."""
    values: list[float] = []
    for kind in conventions.SEMEVAL:
        right = gold = answered = 0
        for one in answers:
            told = one.answer if one.score >= least else None
            gold += one.gold is not None and one.gold[0] == kind
            answered += told is not None and told[0] == kind
            right += told is not None and told[0] == kind and told == one.gold
        values.append(2 * right / (gold + answered) if gold + answered else 0.0)
    return sum(values) / len(values)
