"""nsp-ablation: RoBERTa's input-format and NSP study (Liu et al. 2019, section 4) as a framework."""
