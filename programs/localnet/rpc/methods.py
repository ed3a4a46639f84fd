from collections.abc import Callable
from typing import Any

from programs.localnet.chain import Chain
from programs.localnet.rpc import accounts, blocks, cluster, fees, history, submission, tokens
from programs.localnet.rpc.params import Params

Method = Callable[[Chain, Params], Any]

METHODS: dict[str, Method] = {
    **cluster.METHODS,
    **accounts.METHODS,
    **tokens.METHODS,
    **fees.METHODS,
    **history.METHODS,
    **blocks.METHODS,
    **submission.METHODS,
}
