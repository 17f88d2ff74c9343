"""SegFormer's encoder without the arithmetic and the copies that the usual implementation wastes."""

from __future__ import annotations

import torch
import torch.utils.checkpoint
from mmseg.models.backbones.mit import (
    EfficientMultiheadAttention,
    MixFFN,
    MixVisionTransformer,
    TransformerEncoderLayer,
)
from mmseg.registry import MODELS
from torch import Tensor

from landcover.networks.attention import attend
from landcover.networks.linear import linear, to_map, to_tokens
from landcover.networks.pretrained import load_mix_transformer_weights


@MODELS.register_module()
class FastMixVisionTransformer(MixVisionTransformer):
    """Mix Transformer (MiT) with the parameters, names and results of mmseg's, in less time.

    Features stay channels-last from the first convolution to the outputs, so that linear layers, 1x1 and depth-wise
    convolutions read the same memory; attention (`attend`) does not average its weights over the heads, which mmseg's
    does and drops.

    Xie, Wang, Yu, Anandkumar, Alvarez, Luo: SegFormer: Simple and Efficient Design for Semantic Segmentation with
    Transformers, NeurIPS 2021, https://arxiv.org/abs/2105.15203.

    Args:
        in_channels: bands of the image.
        embed_dims: channels per attention head; stage i has `embed_dims * num_heads[i]` channels.
        num_layers: blocks of each stage.
        num_heads: attention heads of each stage.
        out_indices: stages to return, of strides 4, 8, 16 and 32.
        drop_rate: dropout after attention and in the feed-forward part.
        attn_drop_rate: dropout of the attention weights.
        drop_path_rate: probability with which the last block is skipped for an image; it grows linearly with depth.
        with_cp: recompute the blocks in the backward pass instead of keeping their activations.
        checkpoint: file of pretrained weights that `init_weights` loads; None starts from random weights.

    Shape:
        images (B, in_channels, H, W), float, any size; result: list of (B, C_i, H / stride, W / stride), channels last
        in memory.
    """

    def __init__(
        self,
        in_channels: int = 3,
        embed_dims: int = 64,
        num_layers: tuple[int, ...] = (3, 4, 18, 3),
        num_heads: tuple[int, ...] = (1, 2, 5, 8),
        out_indices: tuple[int, ...] = (0, 1, 2, 3),
        drop_rate: float = 0.0,
        attn_drop_rate: float = 0.0,
        drop_path_rate: float = 0.1,
        with_cp: bool = False,
        checkpoint: str | None = None,
    ) -> None:
        super().__init__(
            in_channels=in_channels,
            embed_dims=embed_dims,
            num_layers=num_layers,
            num_heads=num_heads,
            out_indices=out_indices,
            drop_rate=drop_rate,
            attn_drop_rate=attn_drop_rate,
            drop_path_rate=drop_path_rate,
            with_cp=with_cp,
        )
        self.checkpoint = checkpoint

    def init_weights(self) -> None:
        """Draws random weights, then loads the pretrained file if there is one."""
        super().init_weights()
        if self.checkpoint is not None:
            load_mix_transformer_weights(self, self.checkpoint)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Feature maps of the stages `out_indices`, see the class."""
        features = _channels_last(images)
        outputs = []
        for index, (patch_embed, blocks, norm) in enumerate(self.layers):
            features = patch_embed.projection(features)
            height, width = features.shape[2:]
            tokens = patch_embed.norm(to_tokens(features))
            for block in blocks:
                if self.with_cp and torch.is_grad_enabled():
                    # Not re-entrant: works under distributed training with several passes per step.
                    tokens = torch.utils.checkpoint.checkpoint(
                        _block, block, tokens, height, width, use_reentrant=False
                    )
                else:
                    tokens = _block(block, tokens, height, width)
            features = to_map(norm(tokens), height, width)
            if index in self.out_indices:
                outputs.append(features)
        return outputs


def _channels_last(images: Tensor) -> Tensor:
    """(B, C, H, W) in channels-last memory, also by its strides: one band is in either memory, and torch chooses.

    Where it chooses the other, the first convolution's output is copied twice.
    """
    batch, bands, height, width = images.shape
    return images.permute(0, 2, 3, 1).flatten().view(batch, height, width, bands).permute(0, 3, 1, 2)


def _block(block: TransformerEncoderLayer, tokens: Tensor, height: int, width: int) -> Tensor:
    """Attention, then feed-forward, each with its residual: (B, N, C)."""
    attended = _attention(block.attn, block.norm1(tokens), height, width)
    tokens = tokens + block.attn.dropout_layer(block.attn.proj_drop(attended))
    return tokens + block.ffn.dropout_layer(_feed_forward(block.ffn, block.norm2(tokens), height, width))


def _attention(module: EfficientMultiheadAttention, tokens: Tensor, height: int, width: int) -> Tensor:
    """Attention (B, N, C) in which keys and values come from a map reduced by a strided convolution."""
    attention = module.attn
    channels, heads = tokens.shape[-1], attention.num_heads
    query_weight, key_value_weight = attention.in_proj_weight.split([channels, 2 * channels])
    query_bias, key_value_bias = attention.in_proj_bias.split([channels, 2 * channels])
    source = tokens
    if module.sr_ratio > 1:
        source = module.norm(to_tokens(module.sr(to_map(tokens, height, width))))
    query = linear(tokens, query_weight, query_bias).unflatten(-1, (heads, -1))
    key, value = linear(source, key_value_weight, key_value_bias).unflatten(-1, (2, heads, -1)).unbind(2)
    dropout = attention.dropout if module.training else 0.0
    result = attend(query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2), dropout)
    return linear(result.transpose(1, 2).flatten(2), attention.out_proj.weight, attention.out_proj.bias)


def _feed_forward(module: MixFFN, tokens: Tensor, height: int, width: int) -> Tensor:
    """Linear layer, depth-wise 3x3 convolution, activation, linear layer: (B, N, C)."""
    expand, depth_wise, activation, dropout, reduce, _ = module.layers
    hidden = to_map(linear(tokens, expand.weight.flatten(1), expand.bias), height, width)
    hidden = dropout(activation(to_tokens(depth_wise(hidden))))
    return dropout(linear(hidden, reduce.weight.flatten(1), reduce.bias))
