"""A setting whose model is named by one of its keys, the models registered while the program runs (plug-ins too)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic_core import core_schema, to_json

from sim.slips import slip
from sim.yaml_source.paths import did_you_mean, key_text


@dataclass(frozen=True)
class Chosen:
    """``Annotated[Any, Chosen("use", among)]``: a mapping that becomes the model its key `use` names.

    `among` gives the models by name when a value is checked, so models registered later count; like a discriminated
    union, but open. `noun` is what such a thing is called in messages, `otherwise` may explain a name that is not
    among them (return None to leave it to "did you mean").
    """

    key: str
    among: Callable[[], Mapping[str, type[BaseModel]]]
    noun: str = "value"
    otherwise: Callable[[str], str | None] | None = None

    def pick(self, value: Any) -> type[BaseModel] | None:
        """The model this mapping names, if it names one."""
        name = value.get(self.key) if isinstance(value, dict) else None
        return self.among().get(name) if isinstance(name, str) else None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.with_info_plain_validator_function(
            self._validated,
            # written as what it is, not as what the field says (Any)
            serialization=core_schema.plain_serializer_function_ser_schema(_dumped, info_arg=True),
        )

    def __get_pydantic_json_schema__(self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler) -> Any:
        choices = {name: _referable(model) for name, model in self.among().items()}
        out = handler(core_schema.tagged_union_schema(choices, self.key)) if choices else {}
        return {"type": "object", "required": [self.key], **out}

    def _validated(self, value: Any, info: ValidationInfo) -> BaseModel:
        if isinstance(value, BaseModel):
            return value
        name = value.get(self.key) if isinstance(value, dict) else None
        model = self.pick(value)
        if model is not None:
            # through JSON, as everywhere: strict, yet a list may become a tuple and text an enumeration
            return model.model_validate_json(to_json(value), strict=True, context=info.context)
        known = sorted(self.among())
        listed = f"the {self.noun}: {', '.join(known) or 'none in this version'}"
        if not isinstance(value, dict):
            raise slip((), f"not a mapping; a mapping whose key {self.key} names {listed}")
        if self.key not in value:
            raise slip((self.key,), f"missing; {listed}")
        if not isinstance(name, str):
            raise slip((self.key,), f"not text; {listed}")
        reason = self.otherwise(name) if self.otherwise else None
        help_ = reason or did_you_mean(name, known, all_if_none="one of") or "none in this version"
        raise slip((self.key,), f"unknown {self.noun} {key_text(name)}; {help_}")


def _referable(model: type[BaseModel]) -> core_schema.CoreSchema:
    """The model's schema with a name, so that a JSON Schema defines it once and points to it."""
    schema: Any = model.__pydantic_core_schema__
    return {**schema, "ref": schema.get("ref", f"{model.__module__}.{model.__qualname__}:{id(model)}")}


def _dumped(value: Any, info: core_schema.SerializationInfo) -> Any:
    if not isinstance(value, BaseModel):
        return value
    return value.model_dump(
        mode=info.mode,
        by_alias=bool(info.by_alias),
        exclude_none=info.exclude_none,
        exclude_unset=info.exclude_unset,
        exclude_defaults=info.exclude_defaults,
    )
