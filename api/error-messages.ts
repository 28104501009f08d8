/** What the API says of every error code, in both languages; a code or a language left out does not compile. */
import { type ErrorCode, errorCodes, errorTexts } from '../engine';
import type { FailureCode, HttpErrorCode } from './http-error';
import type { Text } from './language';

const text = (en: string, ko: string): Text => ({ en, ko });

/** What helps an HTTP caller, behind the engine's text of the code. */
const hints: Readonly<Partial<Record<ErrorCode, Text>>> = {
  validation_failed: text('see error.details.fields', 'error.details.fields를 확인하세요.'),
  unauthorized: text(
    'send the token as "Authorization: Bearer <token>"',
    '토큰은 "Authorization: Bearer <토큰>" 헤더로 보냅니다.',
  ),
  not_found: text('check the URL', 'URL을 확인하세요.'),
  hosting_not_found: text('POST /api/v1/host creates one', 'POST /api/v1/host로 만들 수 있습니다.'),
  domain_not_found: text(
    'POST /api/v1/host/my/domains adds one',
    'POST /api/v1/host/my/domains로 추가할 수 있습니다.',
  ),
  quota_exceeded: text(
    'DELETE /api/v1/host/my deletes it',
    '호스팅은 DELETE /api/v1/host/my로 삭제할 수 있습니다.',
  ),
};

/** Of errors that the engine never throws. */
const httpErrors: Readonly<Record<HttpErrorCode, Text>> = {
  malformed_json: text('The request body is not valid JSON', '요청 본문이 올바른 JSON이 아닙니다.'),
  malformed_request: text('The request cannot be parsed', '요청을 해석할 수 없습니다.'),
  payload_too_large: text('The request body is larger than 64 KiB', '요청 본문이 64 KiB보다 큽니다.'),
  unsupported_media_type: text(
    'This address does not accept the Content-Type of the request body',
    '이 주소에서 지원하지 않는 Content-Type입니다.',
  ),
  method_not_allowed: text(
    'This address does not support this method',
    '이 주소에서 지원하지 않는 메서드입니다.',
  ),
  insufficient_scope: text(
    'This API token lacks the required scope; create one that has it',
    '이 API 토큰에는 필요한 권한 범위가 없습니다. 해당 범위가 있는 토큰을 만드세요.',
  ),
  session_required: text(
    'API tokens are not allowed to do that; sign in with your password',
    'API 토큰으로는 할 수 없는 작업입니다. 비밀번호로 로그인하세요.',
  ),
  rate_limited: text(
    'Too many requests; wait for the number of seconds in Retry-After',
    '요청이 너무 많습니다. Retry-After에 표시된 시간(초)만큼 기다린 뒤 다시 시도하세요.',
  ),
  cross_site_refused: text(
    'A page of another site sent this request; send it from a program or from this address, or ask the operator to list that page in CORS_ORIGINS',
    '다른 사이트의 페이지에서 보낸 요청입니다. 프로그램이나 이 주소의 페이지에서 보내거나, 운영자에게 해당 페이지의 CORS_ORIGINS 등록을 요청하세요.',
  ),
  too_many_at_once: text(
    'Too many of your requests are in progress; wait for some to finish, then try again',
    '처리 중인 요청이 너무 많습니다. 일부가 끝난 뒤 다시 시도하세요.',
  ),
  not_ready: text('The service is not ready', '서비스가 아직 준비되지 않았습니다.'),
};

function hinted(code: ErrorCode): Text {
  const [said, hint] = [errorTexts[code], hints[code]];
  return hint === undefined ? said : text(`${said.en}; ${hint.en}`, `${said.ko} ${hint.ko}`);
}

const engineErrors = Object.fromEntries(errorCodes.map((code) => [code, hinted(code)])) as Readonly<
  Record<ErrorCode, Text>
>;

export const errorMessages: Readonly<Record<FailureCode, Text>> = { ...engineErrors, ...httpErrors };

/** A text of the case itself is English and wins there; in Korean, and without one, it is the code's. */
export function textOf({ code, message }: { readonly code: ErrorCode; readonly message: string }): Text {
  if (message === '' || message === errorTexts[code].en) return errorMessages[code];
  return text(message, errorTexts[code].ko);
}
