"""The languages of the sentence splitter (`sentencex`): it takes any text for a code, and splits by English rules then.

So that a slip is not split as English in silence, `corpus.language` is one of these. A test holds the list equal to
what the library does.
"""


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Codes with rules and abbreviations of their own.
RULES = _codes("am ar bg bn ca da de el en es fi fr gu hi hy it ja kk kn ml mr my nl pa pl pt ru sk ta te uk")
# Codes that are split by the rules of a related language.
RELATED = _codes(
    "aae ab acm aeb als alt an anp apc arn arq ary arz as ast atj av avk awa ay ba bar bci bm bpy bxr ce co cs csb cv "
    "de-at de-ch dsb dua egl eml en-ca en-gb es-419 ext fit fon frc frp frr fur gcf gcr gl gld gn gom gsw guc hke hrx "
    "hsb ht hyw inh jut kaa kab kbp kea kjh kjp kl koi krc krl ksh kum kv lad lb lbe lez li lij lld lmo ln lua mai mdf "
    "mg mhr mnw mrj mwl myv nah nap nds nds-nl oc olo os pcd pdc pdt pfl pms pnt pt-br qu qug rgn rm rue rut sa sah "
    "scn sdc ses sg shy sjd sli smn srn sro stq sty szl tcy tet tt ty tyv udm vec vls vmf vmw vot wa wls wo xal"
)
# Other codes of ISO 639-1, and Chinese by region: split at the marks of every script, with English abbreviations.
BY_MARKS = _codes(
    "aa ae af ak az be bh bi bo br bs ch cr cu cy dv dz ee eo et eu fa ff fj fo fy ga gd gv ha he ho hr hu hz ia id ie "
    "ig ii ik io is iu jv ka kg ki kj km ko kr ks ku kw ky la lg lo lt lu lv mh mi mk mn ms mt na nb nd ne ng nn no nr "
    "nv ny oj om or pi ps rn ro rw sc sd se si sl sm sn so sq sr ss st su sv sw tg th ti tk tl tn to tr ts tw ug ur uz "
    "ve vi vo xh yi yo yue za zh zh-cn zh-hans zh-hant zh-hk zh-mo zh-sg zh-tw zu"
)
LANGUAGES = RULES | RELATED | BY_MARKS
# Languages that part sentences by spaces alone, or by marks that the splitter does not know.
WITHOUT_MARKS = frozenset({"th", "lo", "km", "bo", "dz"})
