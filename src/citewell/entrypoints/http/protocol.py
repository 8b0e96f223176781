"""HTTP as the server speaks it, with refusals in the API's own form."""

import uuid

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from citewell.core.errors import Problem
from citewell.entrypoints.http.problems import MEDIA_TYPE, problem_body


class ProblemProtocol(H11Protocol):
    """Answers what is no HTTP (two lengths, a negative one, a broken chunk) by a problem too."""

    def send_400_response(self, msg: str) -> None:
        """Refuse the request and close the connection; one whose reply has begun is cut off."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            request_id = str(uuid.uuid4())
            problem = Problem("bad_request", "The request cannot be read", msg, 400)
            body = problem_body(problem, request_id)
            headers = {
                "Content-Type": MEDIA_TYPE,
                "Content-Length": str(len(body)),
                "X-Request-ID": request_id,
                "Connection": "close",
            }
            for event in (
                h11.Response(status_code=400, headers=list(headers.items()), reason=b"Bad Request"),
                h11.Data(data=body),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
