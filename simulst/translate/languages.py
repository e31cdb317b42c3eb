"""Languages as users say them (ISO 639-1) and as models of many languages name them.

M2M100 says de, NLLB deu_Latn, mBART de_DE; Marian's models of several targets have tokens like
>>de<< or >>deu<<. Whoever knows a model's own name for a language may also use that.
"""

from __future__ import annotations

import re
from typing import Any

from simulst.errors import ModelError

__all__ = ["FLORES", "named"]

FLORES = {
    line.split()[0]: line.split()[1]
    for line in """
    af afr_Latn
    am amh_Ethi
    ar arb_Arab
    as asm_Beng
    az azj_Latn
    be bel_Cyrl
    bg bul_Cyrl
    bn ben_Beng
    bs bos_Latn
    ca cat_Latn
    cs ces_Latn
    cy cym_Latn
    da dan_Latn
    de deu_Latn
    el ell_Grek
    en eng_Latn
    eo epo_Latn
    es spa_Latn
    et est_Latn
    eu eus_Latn
    fa pes_Arab
    fi fin_Latn
    fo fao_Latn
    fr fra_Latn
    ga gle_Latn
    gd gla_Latn
    gl glg_Latn
    gu guj_Gujr
    ha hau_Latn
    he heb_Hebr
    hi hin_Deva
    hr hrv_Latn
    ht hat_Latn
    hu hun_Latn
    hy hye_Armn
    id ind_Latn
    ig ibo_Latn
    is isl_Latn
    it ita_Latn
    ja jpn_Jpan
    jv jav_Latn
    ka kat_Geor
    kk kaz_Cyrl
    km khm_Khmr
    kn kan_Knda
    ko kor_Hang
    ky kir_Cyrl
    lb ltz_Latn
    ln lin_Latn
    lo lao_Laoo
    lt lit_Latn
    lv lvs_Latn
    mg plt_Latn
    mi mri_Latn
    mk mkd_Cyrl
    ml mal_Mlym
    mn khk_Cyrl
    mr mar_Deva
    ms zsm_Latn
    mt mlt_Latn
    my mya_Mymr
    ne npi_Deva
    nl nld_Latn
    nn nno_Latn
    no nob_Latn
    oc oci_Latn
    or ory_Orya
    pa pan_Guru
    pl pol_Latn
    ps pbt_Arab
    pt por_Latn
    ro ron_Latn
    ru rus_Cyrl
    sd snd_Arab
    si sin_Sinh
    sk slk_Latn
    sl slv_Latn
    sn sna_Latn
    so som_Latn
    sq als_Latn
    sr srp_Cyrl
    su sun_Latn
    sv swe_Latn
    sw swh_Latn
    ta tam_Taml
    te tel_Telu
    tg tgk_Cyrl
    th tha_Thai
    tl tgl_Latn
    tr tur_Latn
    tt tat_Cyrl
    uk ukr_Cyrl
    ur urd_Arab
    uz uzn_Latn
    vi vie_Latn
    yi ydd_Hebr
    yo yor_Latn
    yue yue_Hant
    zh zho_Hans
    zu zul_Latn
    """.strip().splitlines()
}
"""NLLB's names (FLORES-200) of the languages that Whisper hears."""

_MARIAN = {"ar": "ara", "zh": "cmn_Hans", "lv": "lav", "sq": "sqi", "sw": "swa", "ms": "zsm_Latn"}
"""Where Marian's three letters are not NLLB's."""

_CODE = re.compile(r"[a-z]{2,3}_[A-Z][A-Za-z]{1,3}")

_SHOWN = 40  # languages that an error names


def _own(language: str) -> tuple[str, ...]:
    """Names that models may have for a language."""
    flores = FLORES.get(language, "")
    names = (language, flores, _MARIAN.get(language, ""), flores.split("_")[0])
    return tuple(name for name in names if name)


def _found(language: str, known: set[str], model: str) -> str:
    """A model's name for a language.

    Raises:
        ModelError: it has none; the message lists some that it has.
    """
    for name in _own(language):
        if name in known:
            return name
    alike = sorted(code for code in known if code.split("_")[0] == language)
    if len(alike) == 1:
        return alike[0]
    listed = ", ".join(alike or sorted(known)[:_SHOWN])
    more = "" if alike or len(known) <= _SHOWN else f" and {len(known) - _SHOWN} more"
    raise ModelError(
        f"{model} knows no language {language!r}: say it as the model does; "
        f"it has {listed or 'none'}{more}"
    )


def named(tokenizer: Any, source: str, target: str) -> tuple[str, str]:
    """A language pair as a tokenizer of transformers names it.

    Args:
        tokenizer: of any class.
        source, target: ISO 639-1, or the tokenizer's own.

    Raises:
        ModelError: it does not know one of them, or belongs to a model of another pair.
    """
    model = str(tokenizer.name_or_path)
    if hasattr(tokenizer, "tgt_lang"):
        known = set(getattr(tokenizer, "lang_code_to_token", ()))
        known = known or {name for name in tokenizer.get_vocab() if _CODE.fullmatch(name)}
        return _found(source, known, model), _found(target, known, model)
    targets = {code.strip("<>") for code in getattr(tokenizer, "supported_language_codes", ())}
    if targets:
        target = _found(target, targets, model)
    pair = [getattr(tokenizer, f"{side}_lang", None) for side in ("source", "target")]
    languages = {name for language in FLORES for name in _own(language)}
    for own, language in zip(pair, (source, target), strict=True):
        # others than these are groups of languages: "ROMANCE", "mul", "zle"
        if own in languages and own not in _own(language) and not (targets and own == pair[1]):
            raise ModelError(
                f"{model} translates {pair[0]} to {pair[1]}, not {source} to {target}: "
                "name another model"
            )
    return source, target
