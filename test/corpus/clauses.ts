/**
 * The MUSTs and MUST NOTs that bind a gateway: as a server towards its clients, as a client towards its upstreams, and as what passes
 * messages on. Key: RFC, section, and a word for which of the section's. Each has at least three cases.
 */
export const CLAUSES = {
  '9112/2.2 octets': 'A recipient MUST parse a message as a sequence of octets in a superset of US-ASCII.',
  '9112/2.2 bare CR':
    'A bare CR outside of content MUST make the element invalid or be replaced with SP before forwarding.',
  '9112/2.2 white space before the first field':
    'White space between start-line and first field MUST make the message be rejected, or each such line be dropped unread.',
  '9112/2.3 own version': 'An intermediary MUST send its own HTTP-version in forwarded messages.',
  '9112/3 long target':
    'A request-target longer than any URI that the server wishes to parse MUST be answered with 414.',
  '9112/3.2 Host': 'A request without Host, with more than one, or with an invalid one MUST be answered with 400.',
  '9112/3.2.2 accept': 'A server MUST accept the absolute-form.',
  '9112/3.2.2 ignore Host':
    'With the absolute-form, the received Host MUST be ignored and the host of the target be used.',
  '9112/5.1 space before the colon': 'White space between field name and colon in a request MUST be rejected with 400.',
  '9112/5.1 space in an answer':
    'White space before the colon in an answer MUST be removed before the message is forwarded.',
  '9112/5.2 fold': 'An obs-fold in a request MUST be rejected with 400 or replaced with SP.',
  '9112/5.2 fold in an answer': 'An obs-fold in an answer MUST be replaced with SP, or the answer by a 502.',
  '9112/6.1 chunked': 'A recipient MUST be able to parse the chunked coding; nobody may apply it twice.',
  '9112/6.1 both': 'A server MUST close the connection after a request with both Content-Length and Transfer-Encoding.',
  '9112/6.1 HTTP/1.0':
    'An HTTP/1.0 message with Transfer-Encoding MUST be treated as faultily framed, and the connection closed.',
  '9112/6.1 not to HTTP/1.0': 'Transfer-Encoding MUST NOT be sent in an answer unless the request indicates HTTP/1.1.',
  '9112/6.1 not on 1xx and 204': 'Transfer-Encoding MUST NOT be sent with 1xx and 204.',
  '9112/6.3 remove the length':
    'Who forwards a message with both MUST remove Content-Length and process Transfer-Encoding first.',
  '9112/6.3 not final':
    'A request whose final coding is not chunked MUST be answered with 400 and a closed connection.',
  '9112/6.3 length of a request':
    'An invalid Content-Length in a request MUST be answered with 400 and a closed connection.',
  '9112/6.3 length of an answer':
    'An invalid Content-Length in an answer MUST close the connection to the server and be replaced by a 502.',
  '9112/6.3 incomplete':
    'A message that ends before its Content-Length MUST be considered incomplete, and the connection closed.',
  '9112/6.3 extra data': 'Data behind the last answer MUST NOT be processed or forwarded as a separate answer.',
  '9112/7.1 sizes': 'Recipients MUST anticipate large chunk sizes and prevent overflows and loss of precision.',
  '9112/7.1 decode':
    'A recipient MUST be able to decode the chunked coding, and so must not take for it what it is not.',
  '9112/7.1.1 extensions': 'A recipient MUST ignore unrecognized chunk extensions.',
  '9112/7.1.2 trailers':
    'A received trailer field MUST NOT be merged into the header section unless its definition permits.',
  '9112/8 incomplete answer':
    'An incomplete answer MUST be recorded as incomplete: it is never passed on as a whole one.',
  '9112/9.2 order': 'Each answer MUST be associated with the first outstanding request that has no final answer.',
  '9112/9.2 unasked': 'Data on a connection without outstanding requests MUST NOT be considered a valid answer.',
  '9112/9.3 read or close': 'A server MUST read the entire request body or close the connection after its answer.',
  '9112/9.3 HTTP/1.0': 'A persistent connection MUST NOT be maintained with an HTTP/1.0 client by a proxy.',
  '9112/9.3.2 order': 'A server MUST send the answers to pipelined requests in the order of the requests.',
  '9112/9.6 close received':
    'After a request with "close" the server MUST close, and MUST NOT process further requests.',
  '9112/9.6 close sent': 'A server that sends "close" MUST close, and MUST NOT process further requests.',
  '9112/9.6 close from the server': 'A client that receives "close" MUST cease sending requests on the connection.',
  '9110/4.2.1 empty host': 'A URI with an empty host MUST be rejected as invalid.',
  '9110/5.1 unknown fields': 'Unrecognized fields MUST be forwarded.',
  '9110/5.3 order': 'The order of field lines with the same name MUST NOT be changed.',
  '9110/5.4 large fields': 'Fields larger than the server wishes to process MUST be answered with a 4xx.',
  '9110/5.5 outer white space': 'White space around a field value MUST be excluded before it is evaluated.',
  '9110/5.5 CR, LF, NUL': 'CR, LF or NUL in a field value MUST make the message be rejected, or be replaced with SP.',
  '9110/5.6.1 empty elements': 'A reasonable number of empty list elements MUST be parsed and ignored.',
  '9110/6.6.1 Date': 'An answer without Date MUST get one when it is forwarded.',
  '9110/7.4 https':
    'A request for an https URI MUST be rejected unless it came over a secured connection or from a trusted gateway.',
  '9110/7.6.1 Connection': 'Fields that Connection names MUST be removed before forwarding, and Connection itself.',
  '9110/7.6.2 Max-Forwards':
    'Max-Forwards of TRACE and OPTIONS MUST be checked and updated; at 0 the request MUST NOT be forwarded.',
  '9110/7.6.3 Via': 'An HTTP-to-HTTP gateway MUST send Via in each inbound request.',
  '9110/7.7 path': 'Path and query MUST NOT be modified when a request is forwarded.',
  '9110/7.8 indicated': 'A server MUST NOT switch to a protocol that the client did not indicate.',
  '9110/7.8 HTTP/1.0': 'Upgrade in an HTTP/1.0 request MUST be ignored.',
  '9110/8.6 large lengths': 'Recipients MUST anticipate large Content-Length values and prevent overflows.',
  '9110/8.6 wrong length': 'A Content-Length that is wrong or does not match the grammar MUST NOT be forwarded.',
  '9110/8.6 not on 1xx and 204': 'Content-Length MUST NOT be sent with 1xx and 204.',
  '9110/9.3.2 HEAD': 'Content MUST NOT be sent in answer to HEAD.',
  '9110/10.1.1 Expect':
    'A 100-continue expectation MUST be passed on, or answered with a final status or a 417 or a 100.',
  '9110/10.1.1 HTTP/1.0': 'A 100-continue expectation in HTTP/1.0 MUST be ignored.',
  '9110/11.6 credentials': 'Authorization and WWW-Authenticate MUST NOT be modified.',
  '9110/13.2.1 conditions': 'Conditional fields MUST NOT be evaluated by who only forwards, and MUST be forwarded.',
  '9110/15.2 informational': '1xx answers MUST be forwarded, unless the intermediary itself asked for them.',
} as const;

/** The key of a clause. */
export type ClauseId = keyof typeof CLAUSES;
