"""Every row of docs/fidelity.md has its tests: its values' difference where it has a key, else its constant."""

import ast
import dataclasses
import re
from functools import cache
from pathlib import Path

import pytest

from nsp_ablation.config.schema import Config
from nsp_ablation.config.tree import field_types, required
from nsp_ablation.reporting.analysis.decisions import DECISIONS

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "fidelity.md").read_text()
TABLE = {
    int(number): (decision, re.findall(r"`([^`]+)`", keys))
    for number, _, decision, keys in re.findall(r"^\| (\d+) \| (.*?) \| (.*) \| (.*?) \|$", PAGE, re.MULTILINE)
}

TESTS = {
    1: [
        "test_budget::test_an_update_takes_what_the_budget_says",
        "test_keys_reach_training::test_budget",
        "test_what_formats_feed::test_the_paper_budget_equalises_sentence_with_segment_and_doc_with_full_and_not_these_two",
        "test_what_formats_feed::test_the_budget_of_tokens_equalises_all_formats_by_full",
        "test_what_formats_feed::test_the_budget_of_sequences_equalises_sequences_and_not_tokens",
        "test_what_formats_feed::test_every_update_is_within_one_sequence_of_its_tokens",
    ],
    2: [
        "test_sample_index::test_lengths_count_cls_content_and_every_separator",
        "test_what_formats_feed::test_real_tokens_count_cls_and_separators_and_no_padding",
    ],
    3: [
        "test_update_share::test_losses_are_sums_over_the_counts_of_the_whole_update",
        "test_gradient_of_an_update::test_the_gradient_does_not_depend_on_micro_batches_and_ranks",
        "test_gradient_of_an_update::test_the_gradient_is_linear_in_the_weight_of_the_loss_on_pairs",
        "test_beside_lightning::test_a_mean_of_means_moves_with_the_cut_ours_does_not",
    ],
    4: [
        "test_full_and_doc_sentences::test_full_puts_one_extra_separator_between_documents",
        "test_full_and_doc_sentences::test_the_extra_separator_counts_in_the_length",
        "test_beside_fairseq::test_fairseqs_document_separator_may_open_a_block_ours_never",
        "test_plan::test_each_epoch_holds_each_sample_exactly_once",
    ],
    5: [
        "test_full_and_doc_sentences::test_sentence_separators_stand_after_each_sentence_and_twice_between_documents",
        "test_beside_fairseq::test_fairseq_ends_every_sentence_with_a_separator_ours_only_if_asked",
        "test_beside_fairseq::test_doc_with_sentence_separators_is_fairseqs_complete_doc",
        "test_keys_reach_training::test_sentence_separator",
    ],
    6: ["test_assemble::test_a_pair_reads_cls_a_sep_b_sep", "test_keys_reach_training::test_pair_separator"],
    7: [
        "test_keys_reach_training::test_type_vocab_size_and_the_same_parameters_in_every_arm",
        "test_keys_reach_training::test_a_model_of_one_token_type_reads_pairs_of_two",
        "test_flat_forward::test_a_model_of_one_token_type_reads_pairs",
    ],
    8: [
        "test_nsp_balance::test_half_of_all_pairs_are_random_where_berts_are_more",
        "test_beside_bert::test_bert_makes_more_than_half_of_its_pairs_random_and_so_does_ours_unless_exact",
        "test_beside_bert::test_splits_and_labels_are_distributed_as_berts",
        "test_beside_bert::test_bert_puts_unused_sentences_back_and_so_does_ours",
        "test_beside_bert::test_lengths_and_trimming_are_distributed_as_berts",
        "test_extreme_corpora::test_exactly_balanced_segment_pairs",
        "test_keys_reach_training::test_nsp_balance",
    ],
    9: [
        "test_segment_pair::test_documents_of_one_sentence_are_random_or_left_out",
        "test_keys_reach_training::test_lone_sentences",
    ],
    10: [
        "test_sentence_pair::test_overlapping_pairs_have_each_sentence_as_a_once",
        "test_sentence_pair::test_disjoint_pairs_have_each_sentence_once_as_a_or_as_the_next",
        "test_keys_reach_training::test_pairs",
    ],
    11: [
        "test_full_and_doc_sentences::test_a_sentence_longer_than_the_room_is_cut_and_its_rest_is_packed",
        "test_extreme_corpora::test_the_rest_of_a_cut_sentence_is_packed_like_a_sentence_across_documents_too",
        "test_segment_pair::test_tokens_are_trimmed_at_either_end_with_half_probability",
        "test_sentence_pair::test_long_pairs_lose_tokens_at_either_end_of_the_longer_sentence",
        "test_beside_fairseq::test_fairseq_makes_an_overlong_block_of_an_overlong_sentence_ours_cuts_it",
    ],
    12: [
        "test_masking::test_special_tokens_are_never_targets_wherever_they_stand",
        "test_masking::test_random_tokens_are_uniform_over_the_ordinary_vocabulary_and_never_special",
        "test_masks_beside_originals::test_berts_random_token_may_be_a_special_one_ours_never",
        "test_masks_beside_originals::test_hugging_faces_random_token_may_be_a_special_one_ours_never",
    ],
    13: [
        "test_masking::test_exact_masks_round_15_percent_half_to_even_and_never_fewer_than_one",
        "test_masking::test_bernoulli_masks_15_percent_within_five_standard_errors_and_varies",
        "test_masks_beside_originals::test_bert_counts_cls_and_sep_in_the_masked_share_ours_does_not",
        "test_masks_beside_originals::test_hugging_faces_collator_masks_a_varying_number_ours_an_exact_one_unless_bernoulli",
        "test_keys_reach_training::test_count",
    ],
    14: [
        "test_format_contract::test_pairs_depend_on_the_seed_and_with_resample_on_the_epoch",
        "test_full_and_doc_sentences::test_resampled_full_packs_the_documents_in_an_order_drawn_by_seed_and_epoch",
        "test_beside_bert::test_bert_draws_the_pairs_of_each_copy_anew_ours_only_if_resampled",
        "test_keys_reach_training::test_resample",
        "test_inspect_command::test_masking_alone_changes_nothing_but_masks",
    ],
    15: ["test_loader::test_pair_labels_are_1_for_random_and_1_for_swapped"],
    16: [
        "test_seeds_and_heldout::test_the_pretraining_seed_draws_order_formats_masks_and_weights",
        "test_seeds_and_heldout::test_neither_seed_touches_tokenizer_splitting_held_out_documents_or_the_micro_world",
        "test_finetune::test_a_seed_repeats_bit_by_bit_and_leaves_torch_as_it_was",
        "test_tables::test_caption_states_seeds_scale_and_what_differs_from_the_paper",
    ],
    17: [
        "test_what_formats_feed::test_pairs_reread_what_blocks_read_once",
        "test_accounting::test_passes_count_the_corpus_and_epochs_the_samples",
        "test_report::test_pretraining_facts_stand_with_the_majority_of_nsp",
    ],
    18: [
        "test_seeds_and_heldout::test_an_arms_own_held_out_inputs_and_masks_are_the_same_for_every_seed",
        "test_heldout_perplexity::test_losses_are_those_of_one_pass_per_input",
        "test_heldout_perplexity_command::test_every_arm_reads_the_same_heldout_inputs_whatever_its_format_and_masking",
    ],
    19: [
        "test_encoder_directory::test_only_a_pretrained_pooler_is_kept",
        "test_finetune::test_both_poolers_train",
    ],
    20: [
        "test_optimization_choices::test_a_run_equals_the_plain_loop_of_its_choices",
        "test_optimization_choices::test_clipping_and_decay_of_all_are_seen",
    ],
    21: [
        "test_optimization_choices::test_decay_spares_bias_and_layer_norm_unless_all_decay",
        "test_optimization_choices::test_first_update_has_bias_correction_unlike_bert",
    ],
    22: [
        "test_optimization_choices::test_both_dropouts_and_the_precision_are_seen",
        "test_attention::test_dropped_weights_have_the_configured_share_and_the_others_keep_the_mean",
        "test_attention::test_the_gradient_with_dropout_has_the_mask_of_the_forward_pass",
        "test_science::test_science_changes_with_each_science_setting_and_with_no_other",
        "test_report::test_a_reader_is_warned_of_unequal_origins",
    ],
    23: [
        "test_accounting::test_totals_equal_those_of_the_updates_walked",
        "test_what_formats_feed::test_sentence_pairs_never_train_late_positions_and_full_sentences_train_all",
        "test_encoder_directory::test_inputs_never_exceed_the_encoder_s_positions",
        "test_recall::test_by_recall_gain_the_examples_are_those_in_range",
    ],
    24: [
        "test_task_lengths::test_a_question_keeps_64_tokens_and_at_most_a_quarter",
        "test_task_lengths::test_windows_are_128_tokens_apart_and_at_most_half_of_the_capacity",
        "test_task_lengths::test_race_question_and_option_keep_128_tokens_and_at_most_a_quarter_and_512_in_all",
    ],
    25: [
        "test_encoder_directory::test_our_encoders_have_the_types_of_their_format",
        "test_task_features::test_inputs_are_laid_out_end_to_end_with_types_and_positions",
    ],
    26: [
        "test_segment_pair::test_ordered_pairs_follow_one_another_in_the_corpus",
        "test_segment_pair::test_half_of_the_ordered_pairs_are_swapped",
        "test_format_contract::test_pairs_are_refused_where_they_cannot_be_made",
        "test_loader::test_pair_labels_are_1_for_random_and_1_for_swapped",
    ],
    27: [
        "test_random_next::test_pairs_equal_the_reference",
        "test_random_next::test_pairs_are_lawful_and_one_document_is_enough",
        "test_random_next::test_segments_hold_every_token_that_is_not_trimmed_or_counted_as_left_out",
        "test_inspect_command::test_without_random_next_every_b_follows_its_a_in_the_file",
    ],
    28: [
        "test_full_lengths::test_blocks_end_at_the_border_nearest_to_the_length_drawn",
        "test_full_lengths::test_the_mean_length_is_that_of_doc",
        "test_full_lengths::test_blocks_still_cross_document_borders",
    ],
}


def field_of(key):
    """Return the schema's field and type of a dotted key. Raises KeyError where there is none."""
    cls = Config
    *groups, name = key.split(".")
    for group in groups:
        cls = required(field_types(cls)[group])
    return {field.name: field for field in dataclasses.fields(cls)}[name], required(field_types(cls)[name])


def test_the_table_has_the_28_rows():
    assert list(TABLE) == list(range(1, 29)) == list(TESTS)
    assert len(DECISIONS) == 28


@cache
def written_tests():
    """Return `file::test` of every test."""
    return {
        f"{path.stem}::{node.name}"
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef)
    }


@pytest.mark.parametrize("row", TABLE)
def test_every_test_of_a_row_exists(row):
    assert TESTS[row]
    assert [name for name in TESTS[row] if name not in written_tests()] == []


@pytest.mark.parametrize("row", TABLE)
def test_every_key_and_every_value_that_a_row_names_is_one(row):
    decision, keys = TABLE[row]
    named = {word for word in re.findall(r"`([a-z_]+)`", decision) if word not in keys}
    for key in keys:
        name, _, typed = key.partition("=")
        field, annotation = field_of(name)
        choices = field.metadata["choices"] or (("true", "false") if annotation is bool else ())
        assert not typed or typed in choices
        if len(keys) == 1 and not typed and choices:
            assert named <= set(choices), f"{key} has no value {named - set(choices)}"
            assert len(choices) - len(named) <= 1, f"{key}: of {choices} only the default may go without a name"


@pytest.mark.parametrize("row", TABLE)
def test_the_reports_table_of_decisions_has_the_same_keys(row):
    assert DECISIONS[row - 1].keys == tuple(key for key in TABLE[row][1] if "=" not in key)


def test_nothing_of_the_table_is_left_for_later():
    assert not [row for row, (decision, _) in TABLE.items() if "not built" in decision or "not yet" in decision]
