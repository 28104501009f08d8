/** The text of every error code in both languages; a code or a language left out does not compile. */
import type { FailureCode } from './http-error';
import type { Text } from './language';

const text = (en: string, ko: string): Text => ({ en, ko });

export const errorMessages: Readonly<Record<FailureCode, Text>> = {
  validation_failed: text(
    'Some of the values sent cannot be accepted; see error.details.fields',
    '보내신 값 중 일부를 사용할 수 없습니다. error.details.fields를 확인하세요.',
  ),
  unauthorized: text(
    'Sign in first and send the token as "Authorization: Bearer <token>"',
    '먼저 로그인한 뒤 "Authorization: Bearer <토큰>" 헤더를 보내세요.',
  ),
  invalid_credentials: text('Wrong e-mail or password', '이메일 또는 비밀번호가 올바르지 않습니다.'),
  too_many_attempts: text(
    'Too many failed attempts for this account from your address; try again in some minutes',
    '이 주소에서 로그인 시도가 너무 많이 실패했습니다. 몇 분 뒤에 다시 시도하세요.',
  ),
  wrong_password: text('That is not your password', '현재 비밀번호가 올바르지 않습니다.'),
  forbidden: text('This account may not do that', '이 계정에는 권한이 없습니다.'),
  not_found: text('There is nothing at this address', '요청하신 주소를 찾을 수 없습니다.'),
  hosting_not_found: text('You have no hosting', '사용 중인 호스팅이 없습니다.'),
  operation_not_found: text('There is no such operation', '해당 작업을 찾을 수 없습니다.'),
  run_not_found: text('There is no such run', '해당 실행 기록이 없습니다.'),
  token_not_found: text('You have no such API token', '해당 API 토큰이 없습니다.'),
  domain_not_found: text(
    'Your hosting has no such domain; POST /api/v1/host/my/domains adds one',
    '호스팅에 해당 도메인이 없습니다. POST /api/v1/host/my/domains로 추가하세요.',
  ),
  domain_taken: text(
    'This domain belongs to another hosting; ask the operator if it is yours',
    '다른 호스팅에서 사용 중인 도메인입니다. 본인 소유라면 운영자에게 문의하세요.',
  ),
  domain_not_proved: text(
    'Neither the TXT record nor the file was found; it may take a while until a new record is seen',
    'TXT 레코드나 파일을 찾지 못했습니다. 새 레코드가 보이기까지 시간이 걸릴 수 있습니다.',
  ),
  too_many_domains: text(
    'Your hosting has as many domains as it may have; remove one first',
    '등록할 수 있는 도메인을 모두 사용하고 있습니다. 먼저 기존 도메인을 삭제하세요.',
  ),
  too_many_operations: text(
    'Too many operations of yours have not ended; let some of them end, or cancel them, then try again',
    '끝나지 않은 작업이 너무 많습니다. 일부가 끝나기를 기다리거나 취소한 뒤 다시 시도하세요.',
  ),
  not_ended: text('It is not done yet; try again soon', '아직 끝나지 않았습니다. 잠시 후 다시 시도하세요.'),
  hosting_busy: text(
    'Somebody is connected to the VM, or something is being done to it; try again later',
    'VM에 접속한 사용자가 있거나 진행 중인 작업이 있습니다. 나중에 다시 시도하세요.',
  ),
  email_taken: text('An account with this e-mail already exists', '이미 가입된 이메일입니다.'),
  username_taken: text('This username is taken', '이미 사용 중인 사용자 이름입니다.'),
  username_retired: text(
    "This username was another account's until lately; take another, or ask an administrator to release it",
    '최근까지 다른 계정이 쓰던 사용자 이름입니다. 다른 이름을 사용하거나 관리자에게 해제를 요청하세요.',
  ),
  quota_exceeded: text(
    'You already have as many hostings as you may have; delete one first',
    '만들 수 있는 호스팅을 이미 모두 사용하고 있습니다. 먼저 기존 호스팅을 삭제하세요.',
  ),
  hosting_exists: text(
    'You still have a hosting; delete it first, then the account',
    '사용 중인 호스팅이 있습니다. 호스팅을 먼저 삭제한 뒤 계정을 삭제하세요.',
  ),
  ports_exhausted: text(
    'All SSH ports are in use; try again later',
    'SSH 포트가 모두 사용 중입니다. 나중에 다시 시도하세요.',
  ),
  addresses_exhausted: text(
    'All VM addresses are in use; try again later',
    'VM 주소가 모두 사용 중입니다. 나중에 다시 시도하세요.',
  ),
  node_full: text(
    'The server has no room for another VM; try again later, or ask the operator',
    '서버에 새 VM을 실행할 여유가 없습니다. 나중에 다시 시도하거나 운영자에게 문의하세요.',
  ),
  idempotency_key_reused: text(
    'This Idempotency-Key was already used for a different request',
    '이 Idempotency-Key는 이미 다른 요청에 사용되었습니다.',
  ),
  not_cancellable: text(
    'This cannot be cancelled now; wait for its end',
    '지금은 취소할 수 없는 작업입니다. 끝날 때까지 기다리세요.',
  ),
  not_an_orphan: text(
    'The hosting lives; nothing was removed',
    '사용 중인 호스팅이므로 아무것도 삭제하지 않았습니다.',
  ),
  cancelled: text('The operation was cancelled', '작업이 취소되었습니다.'),
  synthesis_failed: text('The VM could not be described to Terraform', 'VM 구성을 만들지 못했습니다.'),
  plan_failed: text('Terraform could not plan the VM', 'Terraform이 VM 계획을 세우지 못했습니다.'),
  plan_refused: text(
    'The plan was refused: it would have changed more than this hosting',
    '계획이 이 호스팅의 범위를 벗어나 거부되었습니다.',
  ),
  plan_changed: text(
    'The plan is not the one that was shown any more; look at it again',
    '확인한 계획과 달라졌습니다. 계획을 다시 확인하세요.',
  ),
  disk_lost: text(
    'The disk of this VM is gone, and its data with it; bring it back from a copy, or ask for an empty one',
    'VM 디스크와 데이터가 사라졌습니다. 사본에서 복구하거나 빈 디스크를 요청하세요.',
  ),
  domain_lost: text(
    'The VM is gone from the server; apply its stack to bring it back',
    'VM이 서버에서 사라졌습니다. 스택을 다시 적용하여 복구하세요.',
  ),
  apply_failed: text(
    'The VM could not be made; what was begun has been undone',
    'VM을 만들지 못해 진행한 내용을 되돌렸습니다.',
  ),
  guest_unreachable: text('The VM did not answer in time', 'VM이 제시간에 응답하지 않았습니다.'),
  proxy_refused: text('The web route could not be opened', '웹 경로를 열지 못했습니다.'),
  proxy_unreachable: text(
    'The web server in front of the VMs does not answer',
    '웹 프록시가 응답하지 않습니다.',
  ),
  image_missing: text('The VM image is not there yet', 'VM 이미지가 아직 준비되지 않았습니다.'),
  image_source_unreachable: text(
    'The source of the VM image cannot be reached',
    'VM 이미지 원본에 연결할 수 없습니다.',
  ),
  image_build_failed: text('The VM image could not be built', 'VM 이미지를 만들지 못했습니다.'),
  node_not_ready: text(
    'The machine is still getting ready; try again soon',
    '서버가 준비 중입니다. 잠시 후 다시 시도하세요.',
  ),
  libvirt_unavailable: text(
    'The virtualization service does not answer',
    '가상화 서비스가 응답하지 않습니다.',
  ),
  isolation_failed: text(
    'VMs could not be isolated from each other; ask the operator to look into the log',
    'VM을 서로 격리하지 못했습니다. 운영자에게 문의하세요.',
  ),
  disk_full: text(
    'The server has no room for this; ask the operator to make some',
    '서버의 저장 공간이 부족합니다. 운영자에게 문의하세요.',
  ),
  memory_exhausted: text(
    'The server has no memory for this VM now; try again in a minute',
    '서버의 메모리가 부족하여 지금은 VM을 깨울 수 없습니다. 잠시 후 다시 시도하세요.',
  ),
  terraform_missing: text(
    'Terraform is not installed on this machine',
    '이 서버에 Terraform이 설치되어 있지 않습니다.',
  ),
  database_unavailable: text(
    'The database does not answer; try again soon',
    '데이터베이스가 응답하지 않습니다. 잠시 후 다시 시도하세요.',
  ),
  lease_lost: text(
    'The work was handed to another worker; try again',
    '작업이 다른 작업자에게 넘어갔습니다. 다시 시도하세요.',
  ),
  config_invalid: text('The service is not configured correctly', '서비스 설정이 올바르지 않습니다.'),
  internal: text('Something failed inside the service', '서비스 내부에서 오류가 발생했습니다.'),
  malformed_json: text('The request body is not valid JSON', '요청 본문이 올바른 JSON이 아닙니다.'),
  malformed_request: text('The request cannot be read', '요청을 해석할 수 없습니다.'),
  payload_too_large: text('The request body is larger than 64 KiB', '요청 본문이 64 KiB보다 큽니다.'),
  unsupported_media_type: text(
    'The request body has a Content-Type that this address does not take',
    '이 주소에서 지원하지 않는 Content-Type입니다.',
  ),
  method_not_allowed: text(
    'This address does not take this method',
    '이 주소에서 지원하지 않는 메서드입니다.',
  ),
  insufficient_scope: text(
    'This API token does not have the scope for that; make one that has it',
    '이 API 토큰에는 필요한 권한 범위가 없습니다. 해당 범위가 있는 토큰을 만드세요.',
  ),
  session_required: text(
    'API tokens may not do that; sign in with your password',
    'API 토큰으로는 할 수 없습니다. 비밀번호로 로그인하세요.',
  ),
  rate_limited: text(
    'Too many requests; wait as many seconds as Retry-After says',
    '요청이 너무 많습니다. Retry-After에 표시된 시간(초)만큼 기다린 뒤 다시 시도하세요.',
  ),
  cross_site_refused: text(
    'A page of another site sent this; send it from a program or from this address, or have the operator list the page in CORS_ORIGINS',
    '다른 사이트의 페이지에서 보낸 요청입니다. 프로그램이나 이 주소의 페이지에서 보내거나, 운영자에게 CORS_ORIGINS 등록을 요청하세요.',
  ),
  too_many_at_once: text(
    'Too many of your requests are being answered at this moment; let some of them end, then try again',
    '처리 중인 요청이 너무 많습니다. 일부가 끝난 뒤 다시 시도하세요.',
  ),
  not_ready: text('The service is not ready', '서비스가 아직 준비되지 않았습니다.'),
};
