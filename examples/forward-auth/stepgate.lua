-- The action `lua.stepgate URL HEADER,…`: asks Stepgate about a request, sets txn.stepgate_admits if it may pass, and
-- puts what Stepgate says of it into these headers.
local secret = assert(os.getenv("STEPGATE_ASK_SECRET"), "STEPGATE_ASK_SECRET is not set")

-- RFC 9110 section 7.6.1, and what belongs to the body, which is not told.
local kept_back = {}
for _, name in ipairs({
    "connection", "content-length", "expect", "host", "keep-alive", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade", "step-up-secret",
}) do
    kept_back[name] = true
end

core.register_action("stepgate", { "http-req" }, function(txn, url, told)
    txn:set_var("txn.stepgate_admits", false)
    local headers = {}
    for name, lines in pairs(txn.http:req_get_headers()) do
        if not kept_back[name] then
            headers[name] = {}
            -- HAProxy counts them from 0.
            for index = 0, #lines do
                table.insert(headers[name], lines[index])
            end
        end
    end
    headers["step-up-secret"] = { secret }
    headers["x-forwarded-method"] = { txn.sf:method() }
    headers["x-forwarded-host"] = { txn.sf:req_fhdr("host") }
    headers["x-forwarded-uri"] = { txn.sf:pathq() }
    local answer = core.httpclient():get({ url = url, headers = headers, timeout = 10000 })
    if answer == nil or answer.status ~= 200 then
        return
    end
    for name in told:gmatch("[^,]+") do
        local lines = answer.headers[name:lower()]
        txn.http:req_set_header(name, lines and lines[0] or "")
    end
    txn:set_priv(answer.headers["set-cookie"])
    txn:set_var("txn.stepgate_admits", true)
end, 2)

-- The action `lua.stepgate_cookies`, for the answer: the cookies that the application set when it was asked.
core.register_action("stepgate_cookies", { "http-res" }, function(txn)
    local lines = txn:get_priv() or {}
    for index = 0, #lines do
        if lines[index] then
            txn.http:res_add_header("set-cookie", lines[index])
        end
    end
end)
