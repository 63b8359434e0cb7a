"""Tiny speech models with random weights, in the form in which published checkpoints lie on disk. Needs torch."""

# torch and transformers are annotated in part:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportAttributeAccessIssue=false, reportCallIssue=false, reportArgumentType=false

import json
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import (
    GenerationConfig,
    Wav2Vec2Config,
    Wav2Vec2CTCTokenizer,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2ForCTC,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
    WhisperProcessor,
    WhisperTokenizer,
)

from reamo_mcp.models.local.weights import Weights

torch.set_num_threads(1)  # several test runs share few processors, and threads that wait for each other burn them

SECONDS = 5  # of the longest sound
CORPUS = ["Barack Obama was born in Honolulu. Ask not what your country can do for you, ask 北京 café."] * 4
LANGUAGES = ("<|en|>", "<|de|>", "<|zh|>")


def save_whisper(folder: Path, *, width: int = 16, alignment_heads: bool = True, seconds: int = SECONDS) -> Weights:
    """Write a tiny Whisper with a byte-level vocabulary that can write any text."""
    tokenizer = _whisper_tokenizer(50 * seconds + 1)
    number = tokenizer.convert_tokens_to_ids
    torch.manual_seed(0)
    model = WhisperForConditionalGeneration(
        WhisperConfig(
            vocab_size=len(tokenizer),
            num_mel_bins=80,
            encoder_layers=1,
            decoder_layers=2,
            encoder_attention_heads=2,
            decoder_attention_heads=2,
            encoder_ffn_dim=2 * width,
            decoder_ffn_dim=2 * width,
            d_model=width,
            max_target_positions=64,
            max_source_positions=50 * seconds,
            decoder_start_token_id=number("<|startoftranscript|>"),
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            suppress_tokens=None,
            begin_suppress_tokens=None,
        )
    )
    heads = {"alignment_heads": [[0, 0], [1, 1]]} if alignment_heads else {}
    model.generation_config = GenerationConfig(  # as published; the one made from the model's own would not be kept
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        decoder_start_token_id=number("<|startoftranscript|>"),
        no_timestamps_token_id=number("<|notimestamps|>"),
        prev_sot_token_id=number("<|startofprev|>"),
        lang_to_id={token: number(token) for token in LANGUAGES},
        task_to_id={name: number(f"<|{name}|>") for name in ("transcribe", "translate")},
        is_multilingual=True,
        return_timestamps=False,
        **heads,
    )
    extractor = WhisperFeatureExtractor(feature_size=80, chunk_length=seconds)
    model.save_pretrained(folder)
    WhisperProcessor(feature_extractor=extractor, tokenizer=tokenizer).save_pretrained(folder)
    return Weights(name="tiny/whisper", revision="0", folder=folder)


def _whisper_tokenizer(times: int) -> WhisperTokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=400, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    told = json.loads(tokenizer.to_str())["model"]
    whisper = WhisperTokenizer(vocab=told["vocab"], merges=[tuple(merge) for merge in told["merges"]])
    special = ("<|startoftranscript|>", *LANGUAGES, "<|translate|>", "<|transcribe|>", "<|startoflm|>")
    whisper.add_tokens([*special, "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"], special_tokens=True)
    whisper.add_tokens([f"<|{number * 0.02:.2f}|>" for number in range(times)], special_tokens=False)
    return whisper


def save_wav2vec2(folder: Path) -> Weights:
    """Write a tiny wav2vec2 with the letters of English; as published, without what only training needs."""
    letters = ["<pad>", "<s>", "</s>", "<unk>", "|", *"ABCDEFGHIJKLMNOPQRSTUVWXYZ'"]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps({letter: number for number, letter in enumerate(letters)}))
    Wav2Vec2CTCTokenizer(str(folder / "vocab.json")).save_pretrained(folder)
    torch.manual_seed(0)
    model = Wav2Vec2ForCTC(
        Wav2Vec2Config(
            vocab_size=len(letters),
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=32,
            conv_dim=(16,) * 7,
            num_conv_pos_embeddings=16,
            num_conv_pos_embedding_groups=2,
            feat_extract_norm="layer",
            do_stable_layer_norm=True,
            pad_token_id=0,
        )
    )
    published = {name: one for name, one in model.state_dict().items() if name != "wav2vec2.masked_spec_embed"}
    model.save_pretrained(folder, state_dict=published)
    Wav2Vec2FeatureExtractor(return_attention_mask=True).save_pretrained(folder)
    return Weights(name="tiny/wav2vec2", revision="0", folder=folder)
