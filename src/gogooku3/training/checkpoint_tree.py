"""A nested state as plain JSON and tensors by name, and back, bit for bit."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from gogooku3.errors import ModelError, StorageError

_PLAIN_INT = 2**53  # what any reader of JSON keeps exactly
_DTYPES = frozenset({
    torch.bool, torch.uint8, torch.uint16, torch.uint32, torch.uint64, torch.int8, torch.int16, torch.int32,
    torch.int64, torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64,
    torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e4m3fnuz, torch.float8_e5m2fnuz,
})  # fmt: skip


def encode_state(state: Mapping[str, Any]) -> tuple[Any, dict[str, torch.Tensor]]:
    """Take a state apart.

    Args:
        state: Nested dictionaries (keys of text or whole numbers), lists and tuples of dense tensors of any device,
            numpy arrays, numbers of any size, text, truth values and None. Numbers of numpy
            and values of a subclass come back as plain ones.

    Returns:
        The state as JSON in which ``{"$tensor": name}`` stands for a tensor, and a copy of each tensor on the CPU
        by its dotted path. Tensors that share memory become separate ones.

    Raises:
        ModelError: A value has another type.
    """
    tensors: dict[str, torch.Tensor] = {}
    return _encode(state, "", tensors), tensors


def decode_state(tree: Any, tensors: Mapping[str, torch.Tensor], where: object) -> dict[str, Any]:
    """Put together what `encode_state` took apart.

    Raises:
        StorageError: The tree has another form, or names other tensors than there are.
    """
    left = dict(tensors)
    try:
        state = _decode(tree, left)
    except (KeyError, TypeError, ValueError, struct.error) as error:
        raise StorageError("a checkpoint's state is not understood", where=where, got=repr(error)) from error
    if left or not isinstance(state, dict):
        raise StorageError(
            "a checkpoint's state does not fit its tensors",
            where=where,
            got=f"tensors that it does not name: {', '.join(left) or 'none'}",
        )
    return state


def _encode(value: object, path: str, tensors: dict[str, torch.Tensor]) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    if value is None or isinstance(value, bool | int | float | str):
        return _encode_plain(value, path)
    if isinstance(value, torch.Tensor):
        return {"$tensor": _keep(_copy(value, path), path, tensors)}
    if isinstance(value, np.ndarray):
        return {"$array": _keep(_copy(_from_numpy(value, path), path), path, tensors)}
    if isinstance(value, Mapping):
        return _encode_mapping(value, path, tensors)
    if isinstance(value, list | tuple):
        items = [_encode(item, _below(path, k), tensors) for k, item in enumerate(value)]
        return items if isinstance(value, list) else {"$tuple": items}
    raise _unknown(value, path)


def _encode_plain(value: bool | int | float | str | None, path: str) -> Any:
    if isinstance(value, str):
        return _text(value, path)
    if isinstance(value, int) and abs(value) > _PLAIN_INT:
        return {"$int": hex(value)}
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": struct.pack(">d", value).hex()}
    return value


def _encode_mapping(value: Mapping[Any, Any], path: str, tensors: dict[str, torch.Tensor]) -> Any:
    pairs = []
    for key, item in value.items():
        if isinstance(key, bool) or not isinstance(key, str | int):
            raise _unknown(key, path)
        pairs.append([_encode(key, path, tensors), _encode(item, _below(path, key), tensors)])
    if all(isinstance(key, str) and not key.startswith("$") for key, _ in pairs):
        return dict(pairs)
    return {"$dict": pairs}


def _decode(tree: Any, left: dict[str, torch.Tensor]) -> Any:
    if isinstance(tree, list):
        return [_decode(item, left) for item in tree]
    if not isinstance(tree, dict):
        return tree
    if not next(iter(tree), "").startswith("$"):
        return {key: _decode(item, left) for key, item in tree.items()}
    ((tag, body),) = tree.items()
    return _TAGS[tag](body, left)


def _decode_dict(body: Sequence[Any], left: dict[str, torch.Tensor]) -> Any:
    return {_decode(key, left): _decode(item, left) for key, item in body}


_TAGS: Mapping[str, Callable[[Any, dict[str, torch.Tensor]], Any]] = {
    "$int": lambda body, _: int(body, 16),
    "$float": lambda body, _: struct.unpack(">d", bytes.fromhex(body))[0],
    "$tensor": lambda body, left: left.pop(body),
    "$array": lambda body, left: left.pop(body).numpy(),
    "$tuple": lambda body, left: tuple(_decode(item, left) for item in body),
    "$dict": _decode_dict,
}


def _below(path: str, key: object) -> str:
    return f"{path}.{key}" if path else str(key)


def _keep(tensor: torch.Tensor, path: str, tensors: dict[str, torch.Tensor]) -> str:
    """Keep a tensor under its path; paths that look the same, such as those of keys 0 and "0", are told apart."""
    name = _text(path, path)
    while name in tensors or name == "__metadata__":
        name += "_"
    tensors[name] = tensor
    return name


def _copy(tensor: torch.Tensor, path: str) -> torch.Tensor:
    if tensor.dtype not in _DTYPES or tensor.layout is not torch.strided or tensor.device.type == "meta":
        raise _unknown(f"a tensor of {tensor.dtype}, {tensor.layout}, on {tensor.device}", path)
    plain = tensor.detach().resolve_conj().resolve_neg()
    return plain.to("cpu", copy=True).contiguous()


def _from_numpy(array: np.ndarray, path: str) -> torch.Tensor:
    try:
        return torch.from_numpy(np.array(array))
    except TypeError as error:
        raise _unknown(f"an array of {array.dtype}", path) from error


def _text(value: str, path: str) -> str:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise _unknown(f"text that is no UTF-8: {value!r}", path) from error
    return str(value)


def _unknown(value: object, path: str) -> ModelError:
    return ModelError(
        "a training state holds something that a checkpoint cannot",
        where=path or "the state itself",
        got=value if isinstance(value, str) else f"{type(value).__name__}: {value!r}"[:200],
        expected="dictionaries, lists and tuples of dense tensors, arrays, numbers, text, truth values and None",
        remedy="keep the state as such, and build objects from it",
    )
