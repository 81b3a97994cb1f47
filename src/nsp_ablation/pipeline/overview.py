"""The chain of a configuration as lines: each link's key, and whether it is there or missing."""

from collections.abc import Iterator

from nsp_ablation.config.schema import Config
from nsp_ablation.pipeline.chain import Artifact
from nsp_ablation.pipeline.encoders import trained_encoder
from nsp_ablation.pipeline.feed import Feed


def chain_lines(config: Config) -> Iterator[str]:
    """Yield a line per link of the chain up to the pre-trained encoder; nothing is made."""
    encoder = trained_encoder(config)
    stores = encoder.stores
    links: list[Artifact | Feed] = [stores.corpus, stores.vocabulary, stores, encoder.feed, encoder]
    for name, link in zip(("corpus", "tokenizer", "stores", "feed", "encoder"), links, strict=True):
        yield f"{name:<9} {link.key}  {'there' if link.is_made else 'missing'}"
